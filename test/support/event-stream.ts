/** Reads server-sent events as they come. */

export interface ServerEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

export class EventStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';
  /** The last id that was seen, as a browser would send it. */
  lastId: string | null = null;

  constructor(response: Response) {
    if (response.body === null) throw new Error('the answer has no body');
    this.#reader = response.body.getReader();
  }

  /** The next event; null at the end of the stream. Comments and `retry` are passed over. */
  async next(): Promise<ServerEvent | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end === -1) {
        const { done, value } = await this.#reader.read();
        if (done) return null;
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const fields = new Map<string, string>();
      for (const line of this.#text.slice(0, end).split('\n')) {
        const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        fields.set(name, value);
      }
      this.#text = this.#text.slice(end + 2);
      const data = fields.get('data');
      if (data === undefined) continue;
      const id = fields.get('id') ?? null;
      this.lastId = id ?? this.lastId;
      return { id, event: fields.get('event') ?? 'message', data };
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}
