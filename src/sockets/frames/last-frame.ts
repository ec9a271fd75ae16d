/** Caches the last frame: the bus delivers an event to all clients in a row. */
export class LastFrame<T extends object> {
  private of: T | undefined;
  private frame: Buffer = Buffer.alloc(0);

  get(of: T, build: () => string | Buffer): Buffer {
    if (this.of !== of) {
      const built = build();
      this.frame = typeof built === 'string' ? Buffer.from(built) : built;
      this.of = of;
    }
    return this.frame;
  }
}
