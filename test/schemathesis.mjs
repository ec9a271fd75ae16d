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
import { access } from 'node:fs/promises';
import { runBesideServer } from './support/with-server.mjs';

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

await runBesideServer('schemathesis', {}, (url, folder) => {
  const command = [
    'run',
    `${url}/openapi.json`,
    '--checks',
    CHECKS,
    '--include-path-regex',
    OPERATIONS,
    ...options,
  ];
  return spawn(program, command, { cwd: folder, stdio: 'inherit' });
});
