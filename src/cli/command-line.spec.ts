import { parseCommandLine } from './command-line.js';

describe('parseCommandLine', () => {
  it('serves everybody on port 8000 unless told otherwise', () => {
    const listen = { host: '0.0.0.0', port: 8000, hostGiven: false };
    expect(parseCommandLine([])).toEqual({ kind: 'serve', listen, reload: false });
  });

  it.each([
    [['--host', 'localhost', '--port=3000'], { host: 'localhost', port: 3000, hostGiven: true }],
    [['--host=0.0.0.0'], { host: '0.0.0.0', port: 8000, hostGiven: true }],
    [['--port', '0'], { host: '0.0.0.0', port: 0, hostGiven: false }],
  ])('reads %j', (args, listen) => {
    expect(parseCommandLine(args)).toMatchObject({ kind: 'serve', listen });
  });

  it.each([
    [['--help', '--port', 'x'], 'help'],
    [['--version'], 'version'],
    [['--check-config'], 'check-config'],
  ])('takes %j for %s', (args, kind) => {
    expect(parseCommandLine(args).kind).toBe(kind);
  });

  it.each([
    [['--prot', '1'], "Unknown option '--prot' (see --help)"],
    [['--port', '65536'], "--port takes a number from 0 to 65535, not '65536' (see --help)"],
    [['--port', 'web'], "--port takes a number from 0 to 65535, not 'web' (see --help)"],
    [['--host='], '--host takes an address (see --help)'],
    [['serve'], "Unexpected argument 'serve' (see --help)"],
  ])('explains what is wrong with %j in one line', (args, message) => {
    expect(parseCommandLine(args)).toEqual({ kind: 'mistake', message });
  });
});
