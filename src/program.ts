import { type Command, HELP, parseCommandLine, parsedArguments, SUBCOMMANDS } from './cli/index.js';
import type { UiPlace } from './ui/installed-ui.js';
import type { LoadedConfig } from './config/index.js';

/** A command that loads the configuration. */
type ConfiguredCommand = Extract<Command, { kind: 'serve' | 'check-config' }>;

/**
 * Runs the command that the arguments select. Modules are imported when needed: `--help` does not load the
 * framework.
 */
export async function run(args: readonly string[]): Promise<void> {
  const command = parseCommandLine(args);
  switch (command.kind) {
    case 'help':
      process.stdout.write(HELP);
      break;
    case 'subcommand':
      await runSubcommand(command.name, command.args);
      break;
    case 'version': {
      const { SERVER_VERSION } = await import('./server/version.js');
      process.stdout.write(`${SERVER_VERSION}\n`);
      break;
    }
    case 'fetch-ui':
      await fetchUi();
      break;
    case 'usage-error':
      printErrors([command.message]);
      process.exitCode = 2;
      break;
    case 'check-config':
      await runExplained(command, checkConfig);
      break;
    case 'serve':
      await (command.reload ? reload(args) : runExplained(command, start));
      break;
  }
}

async function checkConfig(command: ConfiguredCommand): Promise<void> {
  const { effectiveConfig } = await import('./config/index.js');
  const { config, warnings } = await configuration(command);
  printErrors(warnings.map((warning) => `configuration: ${warning}`));
  process.stdout.write(`${JSON.stringify(effectiveConfig(config), null, 2)}\n`);
}

async function start(command: ConfiguredCommand): Promise<void> {
  const loaded = await configuration(command);
  const [{ serve }, factory] = await Promise.all([import('./cli/serve.js'), import('./app.setup.js')]);
  await serve(loaded, factory);
}

/** Runs a command with the configuration that the server would have. */
async function runSubcommand(name: string, args: readonly string[]): Promise<void> {
  const subcommand = await SUBCOMMANDS[name]?.load();
  if (!subcommand) return;
  const parsed = parsedArguments(name, subcommand, args);
  if (parsed.kind === 'help') {
    process.stdout.write(subcommand.help);
    return;
  }
  if (parsed.kind === 'usage-error') {
    printErrors([parsed.message]);
    process.exitCode = 2;
    return;
  }
  const [{ loadConfig, ConfigError }, { printableLines }] = await Promise.all([
    import('./config/index.js'),
    import('./text/index.js'),
  ]);
  const listen = { host: '0.0.0.0', port: 0, hostGiven: false };
  try {
    const { config } = loadConfig({ env: process.env, cwd: process.cwd(), listen });
    process.exitCode = await parsed.run(config, {
      print: (line) => process.stdout.write(`${printableLines(line)}\n`),
      note: (line) => printErrors([printableLines(line)]),
    });
  } catch (error) {
    const { explainStartupError } = await import('./cli/startup-error.js');
    printErrors(
      error instanceof ConfigError
        ? explainStartupError(error, listen)
        : (await parsed.explain(error)).map(printableLines),
    );
    process.exit(1);
  }
}

async function reload(args: readonly string[]): Promise<void> {
  const [{ runReloading }, { PACKAGE_FOLDER }] = await Promise.all([
    import('./cli/reload/run-reloading.js'),
    import('./server/version.js'),
  ]);
  process.exitCode = await runReloading(PACKAGE_FOLDER, args);
}

async function fetchUi(): Promise<void> {
  const [{ fetchUi: fetch, UiFetchError }, place] = await Promise.all([
    import('./ui/fetch-ui.js'),
    placeOfUi(),
  ]);
  try {
    await fetch({ place, print: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    if (!(error instanceof UiFetchError)) throw error;
    printErrors(error.message.split('\n'));
    process.exitCode = 1;
  }
}

/** The configuration; values of the command line override it. */
async function configuration({ listen, ui }: ConfiguredCommand): Promise<LoadedConfig> {
  const [{ loadConfig }, { installedUi }, place] = await Promise.all([
    import('./config/index.js'),
    import('./ui/installed-ui.js'),
    placeOfUi(),
  ]);
  return loadConfig({ env: process.env, cwd: process.cwd(), listen, ui, installedUi: installedUi(place) });
}

async function placeOfUi(): Promise<UiPlace> {
  const [{ uiPlace }, { PACKAGE_FOLDER }] = await Promise.all([
    import('./ui/installed-ui.js'),
    import('./server/version.js'),
  ]);
  return uiPlace(PACKAGE_FOLDER);
}

/** Runs a command; on failure prints one line for each problem and exits with 1. */
async function runExplained(
  command: ConfiguredCommand,
  action: (command: ConfiguredCommand) => Promise<void>,
): Promise<void> {
  try {
    await action(command);
  } catch (error) {
    const [{ explainStartupError, isUnexpected }, { errorStack }] = await Promise.all([
      import('./cli/startup-error.js'),
      import('./errors/index.js'),
    ]);
    printErrors(explainStartupError(error, command.listen));
    if (isUnexpected(error)) process.stderr.write(`${errorStack(error)}\n`);
    process.exit(1);
  }
}

function printErrors(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`openhands-agent-server: ${line}\n`);
}
