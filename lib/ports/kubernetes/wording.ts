/** `The kubeconfig x` as it stands inside a sentence. */
export function inSentence(subject: string): string {
  return subject.replace(/^The /, 'the ');
}
