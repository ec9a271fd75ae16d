import { parseUuid } from './uuid.js';

describe('parseUuid', () => {
  const id = '230fb328-1ca1-45a5-949a-b8db20fea0c2';

  it.each([id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, `urn:uuid:${id}`])(
    'accepts %s',
    (text) => {
      expect(parseUuid(text)).toEqual({ id });
    },
  );

  it.each(['', 'not-a-uuid', `${id}0`, id.slice(1), `{${id}`, id.replace('-', '')])('refuses %s', (text) => {
    expect(parseUuid(text)).toHaveProperty('error');
  });
});
