#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { HELP, parseCommandLine } from './cli/command-line.js';

keepCompiledCode();
// Modules are loaded when they are needed: `--help` does not wait for a framework.
const args = process.argv.slice(2);
const command = parseCommandLine(args);

switch (command.kind) {
  case 'help':
    process.stdout.write(HELP);
    break;
  case 'version': {
    const { SERVER_VERSION } = await import('./server/version.js');
    process.stdout.write(`${SERVER_VERSION}\n`);
    break;
  }
  case 'mistake':
    complain([command.message]);
    process.exitCode = 2;
    break;
  case 'check-config':
    await explained(async () => {
      const { effectiveConfig, loadConfig } = await import('./config/index.js');
      const { config } = loadConfig({
        env: process.env,
        cwd: process.cwd(),
        listen: command.listen,
        ui: command.ui,
      });
      process.stdout.write(`${JSON.stringify(effectiveConfig(config), null, 2)}\n`);
    });
    break;
  case 'serve':
    await (command.reload ? reload() : explained(start));
    break;
}

async function reload(): Promise<void> {
  const { runReloading } = await import('./cli/reload/run-reloading.js');
  process.exitCode = await runReloading(fileURLToPath(import.meta.url), args);
}

async function start(): Promise<void> {
  const { loadConfig } = await import('./config/index.js');
  const given = command.kind === 'serve' ? { listen: command.listen, ui: command.ui } : {};
  const loaded = loadConfig({ env: process.env, cwd: process.cwd(), ...given });
  const { serve } = await import('./cli/serve.js');
  await serve(loaded);
}

/** Does it, or says in a line for each mistake why not, and ends with 1. */
async function explained(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const { explainStartupError } = await import('./cli/startup-error.js');
    const listen = 'listen' in command ? command.listen : { host: '', port: 0, hostGiven: false };
    complain(explainStartupError(error, listen));
    process.exit(1);
  }
}

/** Keeps compiled code in the temporary folder for the next start. Node has this from 22.8. */
function keepCompiledCode(): void {
  const enable: unknown = Reflect.get(module, 'enableCompileCache');
  if (typeof enable === 'function') Reflect.apply(enable, module, []);
}

function complain(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`openhands-agent-server: ${line}\n`);
}
