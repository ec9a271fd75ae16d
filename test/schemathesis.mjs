/**
 * Runs Schemathesis (https://schemathesis.io), which knows nothing of this project, over the API document of a fresh
 * server: no 5xx, no undeclared status, content type or shape. Not a part of `npm test`: it is a Python program and takes
 * minutes.
 *
 *     python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
 *     npm run build && node test/schemathesis.mjs [path of schemathesis] [further options for it]
 *
 * It sends whatever a schema allows, folders to work in among it: run it where that does no harm. Operations that run
 * commands or change files where they are told are left out, and the question to an agent, which a model has to answer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const OPERATIONS = '^/(?!.*/ask_agent$)(api/conversations|alive|health|ready|server_info|$)';
const CHECKS =
  'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';

const [program = '/tmp/schemathesis/bin/schemathesis', ...options] = process.argv.slice(2);

try {
  await access(program);
} catch {
  console.log(`skipped: there is no ${program}; this file says how to install it`);
  process.exit(0);
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'schemathesis-'));
const server = spawn(process.execPath, [MAIN, '--host', '127.0.0.1', '--port', '0'], { cwd: folder });
try {
  const url = await address(server);
  const command = [
    'run',
    `${url}/openapi.json`,
    '--checks',
    CHECKS,
    '--include-path-regex',
    OPERATIONS,
    ...options,
  ];
  const run = spawn(program, command, { cwd: folder, stdio: 'inherit' });
  const [code] = await once(run, 'exit');
  process.exitCode = code ?? 1;
} finally {
  const ended = once(server, 'exit');
  server.kill();
  await ended;
  await rm(folder, { recursive: true, force: true });
}

/** Where a server that is starting can be reached. */
function address(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    const look = (chunk) => {
      output += chunk;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
}
