/**
 * The page with the text between `<!-- name: begin ... -->` and `<!-- name: end -->` replaced; the marks stay.
 * @throws when the page does not hold the two marks, once each and in this order.
 */
export function fillSection(page: string, name: string, text: string): string {
  const parts = page.split(new RegExp(`(<!-- ${name}: (?:begin|end)[^>]*-->)`));
  const [before, begin, , end, after] = parts;
  if (parts.length !== 5 || !begin?.includes(': begin') || !end?.includes(': end')) {
    throw new Error(`The page needs <!-- ${name}: begin --> and <!-- ${name}: end -->, once each.`);
  }
  return `${before}${begin}\n\n${text.trim()}\n\n${end}${after}`;
}

/** Text for a cell of a Markdown table. */
export function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}
