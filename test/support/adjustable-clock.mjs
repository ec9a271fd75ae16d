// A clock on the wall that can be set: loaded before a program (`node --import`), it takes how far the clock
// is off (ms) from the file `CLOCK_FILE`, which may change at any time. Timers and `performance.now()` go on
// as they do on a machine.
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
