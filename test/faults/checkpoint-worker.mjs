// Records steps of file tools, restores them, takes that back, and kills itself before one of its calls that
// change files. Arguments: a folder with `work`, the number of the call. Prints the number of calls if it
// comes to the end.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const [root, killAt] = process.argv.slice(2);
const CALLS = ['appendFileSync', 'renameSync', 'rmSync', 'writeFileSync', 'open', 'writeFile', 'fsync'];
const PROMISED = ['mkdir', 'rename', 'rm', 'rmdir', 'symlink', 'truncate', 'unlink', 'link', 'copyFile'];
let calls = 0;

function countCalls(api, names) {
  for (const name of names) {
    const call = api[name];
    api[name] = (...args) => {
      calls += 1;
      if (calls === Number(killAt)) process.kill(process.pid, 'SIGKILL');
      return call(...args);
    };
  }
}
countCalls(fs, CALLS);
countCalls(fs.promises, PROMISED);
syncBuiltinESMExports();

const { CheckpointRecorder, finishInterrupted, planRestore, runRestore } =
  await import('../../dist/current/checkpoints/index.js');
const { NO_RULES } = await import('../../dist/current/files/index.js');

const at = (name) => path.join(root, 'work', name);
const tell = async () => undefined;
const place = {
  folder: path.join(root, 'checkpoints'),
  workspace: path.join(root, 'work'),
  rules: NO_RULES,
  excluded: [],
  bounds: async () => undefined,
  opened: (store, tree) => finishInterrupted(store, tree, tell),
  report: (what, error) => {
    throw new Error(what, { cause: error });
  },
};
const recorder = new CheckpointRecorder(place, { maxBytes: 1e6, maxFileBytes: 1e5, maxFiles: 100 });

async function step(eventId, files, work) {
  await recorder.begin({ eventId, tool: 'file_editor', files: files.map(at) });
  work();
  await recorder.end(eventId);
}

function restore(wanted) {
  const scope = { paths: null, ...wanted };
  return recorder.use(async (store, tree) => {
    const { files } = await planRestore(store, tree, scope);
    await runRestore(store, tree, { scope, files }, tell);
  });
}

await step('one', ['a', 'new/file', 'link'], () => {
  fs.writeFileSync(at('a'), 'changed');
  fs.mkdirSync(at('new'));
  fs.writeFileSync(at('new/file'), 'new');
  fs.unlinkSync(at('link'));
});
await step('two', ['sub/b', 'a', 'sub'], () => {
  fs.unlinkSync(at('sub/b'));
  fs.rmdirSync(at('sub'));
  fs.writeFileSync(at('sub'), 'a file in the place of a folder', { mode: 0o755 });
  fs.writeFileSync(at('a'), 'changed again');
});
await restore({ step: 1, mode: 'since' });
await restore({ step: 3, mode: 'only' });
fs.writeSync(1, String(calls));
