import type { Problem } from '../../../errors.ts';

/** The text of a file, or what keeps it from being text. A byte order mark is taken away. */
export type Decoded = { readonly text: string } | { readonly problem: Problem };

/** Decodes a manifest: UTF-8 only, no NUL. UTF-16, as some Windows programs write, is named as such. */
export function decodeText(bytes: Uint8Array, file: string): Decoded {
  if (isUtf16(bytes)) {
    return refuse(
      file,
      1,
      'not-utf-8',
      'The file is UTF-16. Save it as UTF-8; PowerShell does so with `Out-File -Encoding utf8`.',
    );
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    return refuse(
      file,
      lineOfByte(bytes, nul),
      'nul-character',
      'The file contains a NUL character, so it is no text. Is it a binary file?',
    );
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return refuse(
      file,
      firstInvalidLine(bytes),
      'not-utf-8',
      'The line contains bytes that are not UTF-8. Save the file as UTF-8.',
    );
  }
}

function refuse(file: string, line: number, code: string, message: string): Decoded {
  return { problem: { message, at: { file, line }, code } };
}

function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function lineOfByte(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let index = 0; index < end; index++) if (bytes[index] === 0x0a) line++;
  return line;
}

/** A line feed is never part of a longer UTF-8 sequence, so lines can be judged one by one. */
function firstInvalidLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    line++;
    start = end + 1;
  }
  return line;
}
