// Runs command lines of the current build one after another in this process, which loads the program once.
// Prints what each would have written, and its exit code. Its argument: a list of `{ args, env }` in JSON.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/current/bundle/program.cjs', import.meta.url));
const { run } = createRequire(import.meta.url)(program);

/** Thrown in place of the end of the process. */
class Exit extends Error {}

const results = [];
for (const { args, env } of JSON.parse(process.argv[2] ?? '[]')) results.push(await resultOf(args, env));
process.stdout.write(JSON.stringify(results));
// Connections that a failed command has left open would keep the process alive.
process.exit(0);

async function resultOf(args, env) {
  const real = { env: process.env, exit: process.exit };
  const written = { stdout: '', stderr: '' };
  process.env = env;
  process.exitCode = undefined;
  process.exit = (code) => {
    process.exitCode = code ?? process.exitCode;
    throw new Exit();
  };
  const restore = ['stdout', 'stderr'].map((name) => {
    const stream = process[name];
    const write = stream.write;
    stream.write = (text) => ((written[name] += String(text)), true);
    return () => (stream.write = write);
  });
  try {
    await run(args);
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  } finally {
    for (const put of restore) put();
    Object.assign(process, real);
  }
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  return { code, ...written };
}
