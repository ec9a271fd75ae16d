import fc from 'fast-check';
import { toAutomation, toStored } from './stored-automation.js';

const ID = '63b39634-ed22-475a-848b-8de3074bb71e';
const TIME = '2026-07-01T07:00:00.000Z';
const DEFINITION = {
  ...{ name: 'Digest', prompt: 'x', trigger: { type: 'cron', schedule: '0 9 * * *', timezone: 'UTC' } },
  ...{ created_at: TIME, updated_at: TIME, schedule_from: TIME },
};
const read = (definition: object, state: object = {}) =>
  toAutomation({ id: ID, definition: { ...definition }, state: { ...state }, is_deleted: false });

describe('toAutomation', () => {
  it('reads what was written, and what an older server has written', () => {
    const automation = read(DEFINITION, { failures: 2 });
    expect(automation).toMatchObject({ enabled: true, overlap: null, state: { failures: 2 } });
    const { definition, state } = toStored(automation);
    expect(read(definition, state)).toEqual(automation);
  });

  it('switches off an automation whose fields nobody can use, and says which', () => {
    for (const [name, value] of [
      ['trigger', null],
      ['trigger', { type: 'cron', schedule: 5, timezone: 'UTC' }],
      ['schedule_from', 'never'],
      ['repos', [{}]],
    ] as const) {
      const { enabled, disabled_reason } = read({ ...DEFINITION, [name]: value });
      expect([name, enabled, disabled_reason]).toEqual([
        name,
        false,
        `What is stored of it is damaged: ${name}. Change or delete it.`,
      ]);
    }
  });

  it('reads anything, and what it has read as something that is whole', () => {
    const names = [...Object.keys(toStored(read(DEFINITION)).definition), 'other'];
    const damaged = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    fc.assert(
      fc.property(damaged, fc.dictionary(fc.string(), fc.jsonValue()), (fields, state) => {
        const { definition } = toStored(read({ ...DEFINITION, ...fields }, state));
        const again = read({ ...definition, disabled_reason: null, disabled_detail: null });
        expect(again.disabled_reason).toBeNull();
      }),
    );
  });
});
