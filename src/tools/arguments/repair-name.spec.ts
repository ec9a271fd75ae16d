import fc from 'fast-check';
import { repairName } from './repair-name.js';

describe('repairName', () => {
  it('never throws and returns the given or a registered name', () => {
    const names = new Set(['terminal', 'file_editor']);
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('bash', 'git', 'grep', 'ls', 'str_replace', 'terminal<|x|>'),
    );
    fc.assert(
      fc.property(
        name,
        fc.dictionary(fc.constantFrom('command', 'pattern', 'path', 'x'), fc.jsonValue()),
        (given, args) => {
          const repaired = repairName(given, args, names);
          expect(repaired.name === given || names.has(repaired.name)).toBe(true);
        },
      ),
    );
  });

  it('quotes a grep pattern that looks like an option by -e', () => {
    const { args } = repairName('grep', { pattern: '--x' }, new Set(['terminal']));
    expect(args).toEqual({ command: 'grep -R -I -n -i -e --x .' });
  });

  it('leaves a registered grep unchanged', () => {
    const call = { name: 'grep', args: { pattern: 'x' } };
    expect(repairName('grep', call.args, new Set(['grep', 'terminal']))).toEqual(call);
  });
});
