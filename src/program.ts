import { HELP, parseCommandLine, type Command } from './cli/command-line.js';

/** A command that reads the configuration. */
type Configured = Extract<Command, { kind: 'serve' | 'check-config' }>;

/**
 * Does what the command line asks for. Modules are loaded when they are needed: `--help` does not wait for a
 * framework.
 * @param main the file that was started; `--reload` starts it again
 */
export async function run(main: string, args: readonly string[]): Promise<void> {
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
      await explained(command, checkConfig);
      break;
    case 'serve':
      await (command.reload ? reload(main, args) : explained(command, start));
      break;
  }
}

async function checkConfig(command: Configured): Promise<void> {
  const { effectiveConfig, loadConfig } = await import('./config/index.js');
  const { config } = loadConfig({ env: process.env, cwd: process.cwd(), ...given(command) });
  process.stdout.write(`${JSON.stringify(effectiveConfig(config), null, 2)}\n`);
}

async function start(command: Configured): Promise<void> {
  const { loadConfig } = await import('./config/index.js');
  const loaded = loadConfig({ env: process.env, cwd: process.cwd(), ...given(command) });
  const { serve } = await import('./cli/serve.js');
  await serve(loaded);
}

async function reload(main: string, args: readonly string[]): Promise<void> {
  const { runReloading } = await import('./cli/reload/run-reloading.js');
  process.exitCode = await runReloading(main, args);
}

/** What stands in the command line wins over the configuration. */
function given({ listen, ui }: Configured): Pick<Configured, 'listen' | 'ui'> {
  return { listen, ui };
}

/** Does it, or says in a line for each mistake why not, and ends with 1. */
async function explained(command: Configured, action: (command: Configured) => Promise<void>): Promise<void> {
  try {
    await action(command);
  } catch (error) {
    const { explainStartupError } = await import('./cli/startup-error.js');
    complain(explainStartupError(error, command.listen));
    process.exit(1);
  }
}

function complain(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`openhands-agent-server: ${line}\n`);
}
