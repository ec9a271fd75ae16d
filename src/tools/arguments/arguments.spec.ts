import fc from 'fast-check';
import { thinkDefinition } from '../think/think-tool.js';
import type { ToolSchema } from '../tool.js';
import { decodeJson, JsonDecodeError } from '../../json/index.js';
import { parseArguments } from './parse-arguments.js';
import { pythonJson, pythonRepr } from './python-text.js';
import { repairName } from './repair-name.js';
import { resolveToolCall } from './resolve-tool-call.js';
import { validateArguments } from './validate-arguments.js';

describe('decodeJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        expect(decodeJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses, control characters in strings aside', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', ',', 'x', '\\', ' '))
      .map(
        ([text, at, char]) =>
          text.slice(0, at % (text.length + 1)) + char + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(damaged, (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => decodeJson(text)).toThrow(JsonDecodeError);
          return;
        }
        expect(decodeJson(text)).toEqual(expected);
      }),
    );
  });

  it('takes raw control characters inside strings', () => {
    expect(decodeJson('{\n"a": "x\ny\u0001\t"}')).toEqual({ a: 'x\ny\u0001\t' });
  });

  it('counts characters, not UTF-16 units, in the place of a mistake', () => {
    expect(() => decodeJson('{"😀": 1,\n"b" 2}')).toThrow(
      "Expecting ':' delimiter: line 2 column 5 (char 13)",
    );
  });

  it('refuses more values or characters than a model has to say', () => {
    expect(() => decodeJson(`[${'{},'.repeat(30_000)}{}]`)).toThrow('Too many values');
    expect(() => decodeJson(`"${'x'.repeat(3_000_000)}"`)).toThrow('More than 2097152 characters');
    expect(decodeJson(`[${'1,'.repeat(20_000)}1]`)).toHaveLength(20_001);
  });

  it('refuses what nests too deeply instead of overflowing the stack', () => {
    expect(() => decodeJson('['.repeat(100_000))).toThrow(JsonDecodeError);
  });
});

describe('parseArguments', () => {
  it('never throws, and answers with an object', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const parsed = parseArguments(text);
        expect(parsed.ok ? typeof parsed.args : typeof parsed.error).toBe(parsed.ok ? 'object' : 'string');
      }),
    );
  });

  it('keeps a field named __proto__ a field', () => {
    const parsed = parseArguments('{"__proto__": {"polluted": true}, "a": 1}');
    expect(parsed.ok && Object.keys(parsed.args)).toEqual(['__proto__', 'a']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('pythonJson', () => {
  it('is read back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // JSON has no -0 once Python has written it.
        expect(JSON.parse(pythonJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is ASCII with spaces behind commas and colons', () => {
    expect(pythonJson({ a: ['é', '😀', '\u007f'], b: null, c: 1.5e-7, d: 1e22, e: undefined })).toBe(
      '{"a": ["\\u00e9", "\\ud83d\\ude00", "\\u007f"], "b": null, "c": 1.5e-07, "d": 1e+22}',
    );
  });
});

describe('pythonRepr', () => {
  it.each([
    ["it's", `"it's"`],
    [`"it's"`, `'"it\\'s"'`],
    ['say "hi"', `'say "hi"'`],
    ['a\\b\n\t\r', `'a\\\\b\\n\\t\\r'`],
    ['\u0007\u00a0\u2028\u200b é✓😀', `'\\x07\\xa0\\u2028\\u200b é✓😀'`],
    [null, 'None'],
    [{ a: [true, false], "b'": 0.00001 }, `{'a': [True, False], "b'": 1e-05}`],
    [-0, '0'],
  ])('of %j', (value, repr) => {
    expect(pythonRepr(value)).toBe(repr);
  });
});

describe('repairName', () => {
  it('never throws and never invents a name', () => {
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

  it('keeps a grep pattern that looks like an option a pattern', () => {
    const { args } = repairName('grep', { pattern: '--x' }, new Set(['terminal']));
    expect(args).toEqual({ command: 'grep -R -I -n -i -e --x .' });
  });

  it('leaves a registered grep alone', () => {
    const call = { name: 'grep', args: { pattern: 'x' } };
    expect(repairName('grep', call.args, new Set(['grep', 'terminal']))).toEqual(call);
  });
});

describe('validateArguments', () => {
  const schema: ToolSchema = {
    type: 'object',
    properties: {
      text: { type: 'string' },
      count: { type: 'integer', minimum: 0 },
      ratio: { type: 'number' },
      flag: { type: 'boolean', default: false },
      mode: { type: 'string', enum: ['a'] },
      free: { type: 'object' },
      anything: {},
    },
    required: ['text'],
  };
  const validate = (args: Record<string, unknown>) =>
    validateArguments({ schema, actionKind: 'XAction' }, args);

  it('answers in schema order with defaults, and without what is not set', () => {
    const result = validate({
      free: { deep: [1] },
      count: '1_000',
      ratio: ' 1e3 ',
      text: 'x',
      anything: [null],
    });
    expect(result).toEqual({
      ok: true,
      args: { text: 'x', count: 1000, ratio: 1000, flag: false, free: { deep: [1] }, anything: [null] },
    });
    expect(result.ok && Object.keys(result.args)).toEqual([
      'text',
      'count',
      'ratio',
      'flag',
      'free',
      'anything',
    ]);
  });

  it('takes the kind that models copy from the history, and no other', () => {
    expect(validate({ text: 'x', kind: 'XAction' }).ok).toBe(true);
    expect(validate({ text: 'x', kind: 'YAction' }).ok).toBe(false);
  });

  it('tells one mistake of one value', () => {
    const result = validate({ text: 'x', count: -0.5 });
    expect(!result.ok && result.error).toMatch(
      /^1 validation error for XAction\ncount\n.*type=int_from_float/,
    );
  });

  it('reads numbers as Python does, in time that grows with their length', () => {
    const ratio = (text: string): unknown => {
      const result = validate({ text: 'x', ratio: text });
      return result.ok ? result.args['ratio'] : undefined;
    };
    expect(['5', '5.', '.5', '1_0.5_0e1', '+1e-2', ' 7 '].map(ratio)).toEqual([5, 5, 0.5, 105, 0.01, 7]);
    expect(['', '.', '_1', '1__0', '1_', '1e', '1.5.5', '5x'].map(ratio)).toEqual(Array(8).fill(undefined));
    const started = performance.now();
    for (const row of ['1', '1_1', '1.', '.']) expect(ratio(`${row.repeat(100_000)}x`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('tells the first of many mistakes, and how many more there are', () => {
    const more = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]));
    const result = validate({ text: 'x', ...more });
    expect(!result.ok && result.error).toMatch(/^5000 validation errors for XAction\nf0\n/);
    expect(!result.ok && result.error).toMatch(/\n\.\.\. and 4900 more$/);
  });

  it('does not take Infinity, which JSON cannot hold', () => {
    const result = validate({ text: 'x', ratio: 'inf' });
    expect(!result.ok && result.error).toContain('type=float_parsing');
  });

  it('never throws, and what it answered is valid again', () => {
    const args = fc.dictionary(
      fc.constantFrom('text', 'count', 'ratio', 'flag', 'mode', 'free', 'x'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(args, (given) => {
        const result = validate(given);
        if (result.ok) expect(validate(result.args)).toEqual(result);
        else expect(result.error).toMatch(/^\d+ validation errors? for XAction\n/);
      }),
    );
  });
});

describe('resolveToolCall', () => {
  it('cuts a name that no tool can have', () => {
    const call = { name: 'n'.repeat(1_000_000), arguments: '{}' };
    const resolved = resolveToolCall(new Map(), call, { analyzer: false });
    expect(resolved.name).toHaveLength(256);
    expect(JSON.stringify(resolved).length).toBeLessThan(2_000);
  });

  it('never throws', () => {
    const host = { conversationId: 'c', workingDir: '/w', folder: '/nowhere', shownFolder: 'nowhere' };
    const tools = new Map([['think', thinkDefinition.create(host, {})]]);
    const name = fc.oneof(fc.string(), fc.constantFrom('think', 'grep', 'bash'));
    fc.assert(
      fc.property(name, fc.oneof(fc.string(), fc.json()), fc.boolean(), (given, text, analyzer) => {
        const resolved = resolveToolCall(tools, { name: given, arguments: text }, { analyzer });
        if (resolved.kind === 'valid') expect(resolved.name).toBe('think');
      }),
    );
  });

  it('uses the summary of a tool that has one of its own and leaves it with the tool', () => {
    const schema: ToolSchema = { type: 'object', properties: { summary: { type: 'string' } } };
    const definition = { ...thinkDefinition, schema };
    const host = { conversationId: 'c', workingDir: '/w', folder: '/nowhere', shownFolder: 'nowhere' };
    const instance = { ...thinkDefinition.create(host, {}), definition };
    const call = { name: 'think', arguments: '{"summary": "short"}' };
    const resolved = resolveToolCall(new Map([['think', instance]]), call, { analyzer: false });
    expect(resolved.kind === 'valid' && resolved.invocation.action).toEqual({
      summary: 'short',
      kind: 'ThinkAction',
    });
    expect(resolved.kind === 'valid' && resolved.summary).toBe('short');
  });
});
