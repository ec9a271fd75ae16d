import fc from 'fast-check';
import { anyCharacter } from '../../../test/support/any-character.js';
import { readCall, writeCall } from './call-text.js';

describe('calls written as text', () => {
  it('reads back what was written', () => {
    // Values that contain the notation itself or end with a line break may be read differently.
    const value = fc
      .string({ unit: anyCharacter })
      .filter((text) => !/<\/?(parameter|function)|\r\n?$/.test(text));
    const name = fc.stringMatching(/^[a-z_]{1,10}$/);
    fc.assert(
      fc.property(name, fc.dictionary(name, value), fc.string(), (tool, args, said) => {
        fc.pre(!said.includes('<function=') && Object.keys(args).every((key) => key !== '__proto__'));
        const written = writeCall({ name: tool, arguments: JSON.stringify(args) });
        const call = readCall(`${said}\n${written}`);
        expect(call).toEqual({ text: said.trim(), name: tool, parameters: new Map(Object.entries(args)) });
      }),
    );
  });

  it.each([
    ['no end of the call', '<function=t>\n<parameter=a>1</parameter>\n'],
    ['no end of the last parameter', '<function=t>\n<parameter=a>1\n'],
    ['no end of the last parameter, but of the call', '<function=t>\n<parameter=a>1\n</function>'],
    ['words behind the call', '<function=t><parameter=a>1</parameter></function> and so on'],
    ['another call after it', '<function=t><parameter=a>1</parameter></function><function=u></function>'],
    ['quotes', '<function="t">\n<parameter="a">1</parameter>\n</function>'],
    ['a cut end', '<function=t>\n<parameter=a>1</parameter>\n</func'],
  ])('reads a call with %s', (_what, answer) => {
    expect(readCall(answer)).toEqual({ text: '', name: 't', parameters: new Map([['a', '1']]) });
  });

  it('accepts the notation of calls inside a value', () => {
    const text = 'See <parameter=x>y</parameter>, then go on.';
    const call = { name: 'write', arguments: JSON.stringify({ text, path: '/a' }) };
    expect(readCall(writeCall(call))?.parameters).toEqual(
      new Map([
        ['text', text],
        ['path', '/a'],
      ]),
    );
  });

  it('keeps white space in values', () => {
    const call = {
      name: 't',
      arguments: JSON.stringify({ a: '  indented\n\n  lines\n', n: 3, list: [1, 2] }),
    };
    expect(readCall(writeCall(call))?.parameters).toEqual(
      new Map([
        ['a', '  indented\n\n  lines\n'],
        ['n', '3'],
        ['list', '[1,2]'],
      ]),
    );
  });

  it('searches any text in linear time', () => {
    fc.assert(fc.property(fc.string(), (tail) => void readCall(`<function=t>${tail}`)));
    const long = `<function=t><parameter=a>${'</parameter>x'.repeat(20_000)}`;
    expect(readCall(long)?.parameters.size).toBe(1);
  });
});
