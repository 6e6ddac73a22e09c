import { StringDecoder } from 'node:string_decoder';
import { LineFilter, type Masker, printableLines } from './log-filter.ts';

export type Channel = 'stdout' | 'stderr';

/** Where a task's words leave the process. Two doors: one for text of any origin, one for the few lines that the agent shall obey. */
export interface Output {
  /** Text of any origin: secrets masked, made harmless, in whole lines. `decorate` puts our own colours or tags around each. */
  print(text: string, channel?: Channel, decorate?: (line: string) => string): void;
  /** Text made harmless and put into one string again, for the data of a command. */
  harmless(text: string): string;
  /** One line exactly as it is: an agent command. Nothing foreign may reach it except through `harmless` or a command's escapes. */
  obeyed(line: string): void;
  /** Waits until everything was handed to the operating system. */
  flush(): Promise<void>;
  /** Gives the streams back as they were. */
  release(): void;
}

type Streams = Readonly<Record<Channel, NodeJS.WriteStream>>;

/**
 * Takes over the process's stdout and stderr. What a library writes there, or Node itself by `console` and warnings, passes the same
 * filter as our own log. Not caught, and so not to be used: child processes that inherit the streams, and writes to the descriptors 1 and 2.
 */
export function guardOutput(masker: Masker, streams: Streams = process): Output {
  const doors = { stdout: new Door(streams.stdout, masker), stderr: new Door(streams.stderr, masker) };
  return {
    print(text, channel = 'stdout', decorate = same) {
      doors[channel].writeLines(printableLines(text, masker).map(decorate));
    },
    harmless: (text) => printableLines(text, masker).join('\n'),
    obeyed: (line) => doors.stdout.writeLines([line]),
    async flush() {
      await Promise.all([doors.stdout.flush(), doors.stderr.flush()]);
    },
    release() {
      doors.stdout.release();
      doors.stderr.release();
    },
  };
}

function same(line: string): string {
  return line;
}

type Callback = (error?: Error | null) => void;

class Door {
  readonly #stream: NodeJS.WriteStream;
  readonly #write: NodeJS.WriteStream['write'];
  readonly #end: NodeJS.WriteStream['end'];
  readonly #filter: LineFilter;
  readonly #decoder = new StringDecoder('utf8');
  readonly #ignoreClosedPipe = (error: NodeJS.ErrnoException): void => {
    // The agent stopped reading. There is nobody left to tell, and work in the cluster still has to be ended well.
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  };

  constructor(stream: NodeJS.WriteStream, masker: Masker) {
    this.#stream = stream;
    this.#write = stream.write;
    this.#end = stream.end;
    this.#filter = new LineFilter(masker);
    stream.on('error', this.#ignoreClosedPipe);
    stream.write = this.#foreign as typeof stream.write;
    stream.end = this.#foreignEnd as typeof stream.end;
  }

  writeLines(lines: readonly string[], done?: Callback): boolean {
    if (lines.length === 0) {
      if (done !== undefined) process.nextTick(done);
      return true;
    }
    return this.#write.call(this.#stream, `${lines.join('\n')}\n`, 'utf8', done);
  }

  readonly #foreign = (chunk: unknown, encodingOrDone?: unknown, maybeDone?: unknown): boolean => {
    const done = [encodingOrDone, maybeDone].find((value) => typeof value === 'function') as Callback | undefined;
    return this.writeLines(this.#filter.push(this.#decode(chunk, encodingOrDone)), done);
  };

  readonly #foreignEnd = (chunk?: unknown, encodingOrDone?: unknown, maybeDone?: unknown): NodeJS.WriteStream => {
    const done = [chunk, encodingOrDone, maybeDone].find((value) => typeof value === 'function') as
      | Callback
      | undefined;
    // As with the real stdout, `end` closes nothing.
    if (chunk !== undefined && typeof chunk !== 'function') this.#foreign(chunk, encodingOrDone);
    this.writeLines([], done);
    return this.#stream;
  };

  #decode(chunk: unknown, encoding: unknown): string {
    if (chunk instanceof Uint8Array) return this.#decoder.write(chunk);
    const text = String(chunk);
    if (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)) return text;
    return this.#decoder.write(Buffer.from(text, encoding as BufferEncoding));
  }

  async flush(): Promise<void> {
    this.writeLines([...this.#filter.push(this.#decoder.end()), ...this.#filter.flush()]);
    await new Promise<void>((resolve) => {
      this.#write.call(this.#stream, '', 'utf8', () => resolve());
    });
  }

  release(): void {
    this.#stream.write = this.#write;
    this.#stream.end = this.#end;
    this.#stream.off('error', this.#ignoreClosedPipe);
  }
}
