// A wall clock that tests can set. Loaded before a program (`node --import`), it adds the offset (ms) in the
// file `CLOCK_FILE`, which may change at any time. Timers and `performance.now()` are not affected, as on a
// real machine.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_FILE ?? '';
const RealDate = Date;

function now() {
  try {
    return RealDate.now() + Number(readFileSync(file, 'utf8'));
  } catch {
    return RealDate.now();
  }
}

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, type) => Reflect.construct(target, args.length === 0 ? [now()] : args, type),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
