/**
 * The texts of `Warning` headers, which is how an API server tells of deprecated APIs and the like. One header can hold several:
 * `299 - "text"`, each with an optional date. Source: RFC 7234, 5.5, and `NewWarningHeader` of k8s.io/apimachinery.
 */
export function warningTexts(header: string | readonly string[] | undefined): string[] {
  const values = header === undefined ? [] : typeof header === 'string' ? [header] : header;
  return values.flatMap(texts);
}

function texts(value: string): string[] {
  const one = /\s*(\d{3}) +(\S+) +"((?:[^"\\]|\\.)*)"(?: +"[^"]*")?\s*(?:,|$)/y;
  // Node decodes headers as Latin-1; the server sends UTF-8.
  const text = Buffer.from(value, 'latin1').toString('utf8');
  const found: string[] = [];
  for (let match = one.exec(text); match !== null; match = one.exec(text)) {
    const message = (match[3] ?? '').replace(/\\(.)/g, '$1');
    if (match[1] === '299' && message !== '') found.push(message);
    if (one.lastIndex >= text.length) break;
  }
  return found;
}
