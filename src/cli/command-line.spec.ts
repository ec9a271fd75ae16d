import { parseCommandLine } from './command-line.js';

describe('parseCommandLine', () => {
  it('listens on all addresses and port 8000 by default', () => {
    const listen = { host: '0.0.0.0', port: 8000, hostGiven: false };
    expect(parseCommandLine([])).toEqual({ kind: 'serve', listen, reload: false });
  });

  it.each([
    [['--host', 'localhost', '--port=3000'], { host: 'localhost', port: 3000, hostGiven: true }],
    [['--host=0.0.0.0'], { host: '0.0.0.0', port: 8000, hostGiven: true }],
    [['--port', '0'], { host: '0.0.0.0', port: 0, hostGiven: false }],
    [['-p', '3000'], { host: '0.0.0.0', port: 3000, hostGiven: false }],
  ])('parses the address from %j', (args, listen) => {
    expect(parseCommandLine(args)).toMatchObject({ kind: 'serve', listen });
  });

  it.each([
    [[], undefined],
    [['--ui', 'x'], 'x'],
    [['--no-ui'], null],
  ])('parses the web UI from %j', (args, ui) => {
    const command = parseCommandLine(args);
    expect('ui' in command ? command.ui : undefined).toBe(ui);
  });

  it.each([
    [['--help', '--port', 'x'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
    [['--check-config'], 'check-config'],
    [['--fetch-ui'], 'fetch-ui'],
  ])('parses %j as the command %s', (args, kind) => {
    expect(parseCommandLine(args).kind).toBe(kind);
  });

  it.each([
    [['--prot', '1'], "Unknown option '--prot' (see --help)"],
    [['--port', '65536'], "--port must be a number from 0 to 65535, not '65536' (see --help)"],
    [['--port', 'web'], "--port must be a number from 0 to 65535, not 'web' (see --help)"],
    [['--host='], '--host requires an address (see --help)'],
    [['--ui=x', '--no-ui'], '--ui and --no-ui exclude each other (see --help)'],
    [['--ui='], '--ui requires a folder (see --help)'],
    [['serve'], "Unexpected argument 'serve' (see --help; with npm: npm start -- --port 3000)"],
  ])('explains in one line what is wrong with %j', (args, message) => {
    expect(parseCommandLine(args)).toEqual({ kind: 'usage-error', message });
  });
});
