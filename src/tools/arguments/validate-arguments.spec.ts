import fc from 'fast-check';
import type { ToolSchema } from '../tool.js';
import { validateArguments } from './validate-arguments.js';

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

  it('returns arguments in schema order with defaults and without unset ones', () => {
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

  it('accepts only the kind of its own action', () => {
    expect(validate({ text: 'x', kind: 'XAction' }).ok).toBe(true);
    expect(validate({ text: 'x', kind: 'YAction' }).ok).toBe(false);
  });

  it('reports one error per value', () => {
    const result = validate({ text: 'x', count: -0.5 });
    expect(!result.ok && result.error).toMatch(
      /^1 validation error for XAction\ncount\n.*type=int_from_float/,
    );
  });

  it('parses numbers as Python does, in linear time', () => {
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

  it('lists the first errors and counts the others', () => {
    const more = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]));
    const result = validate({ text: 'x', ...more });
    expect(!result.ok && result.error).toMatch(/^5000 validation errors for XAction\nf0\n/);
    expect(!result.ok && result.error).toMatch(/\n\.\.\. and 4900 more$/);
  });

  it('rejects Infinity, which JSON cannot represent', () => {
    const result = validate({ text: 'x', ratio: 'inf' });
    expect(!result.ok && result.error).toContain('type=float_parsing');
  });

  it('never throws, and accepts its own result', () => {
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
