import { parseAfterTimestamp, readEventsResend, readSessionResend } from './handshake.js';

const events = (query: string) => readEventsResend(new URLSearchParams(query));
const session = (query: string) => readSessionResend(new URLSearchParams(query));

describe('the query of an events socket', () => {
  it.each([
    ['', { from: 'nothing' }],
    ['resend_mode=all', { from: 'start' }],
    ['resend_all=true', { from: 'start' }],
    ['resend_all=1', { from: 'start' }],
    ['resend_all=no', { from: 'nothing' }],
    ['resend_mode=since', { from: 'nothing' }],
    ['resend_mode=bogus&resend_mode=all', { from: 'start' }],
    [
      'resend_mode=since&after_timestamp=2026-01-02T03:04:05.678901',
      { from: 'timestamp', timestamp: '2026-01-02T03:04:05.678901' },
    ],
  ])('%s', (query, resend) => expect(events(query)).toEqual(resend));

  it.each([
    'resend_mode=',
    'resend_mode=ALL',
    'resend_mode=all&resend_mode=bogus',
    'resend_all=bogus',
    'resend_all=',
    'after_timestamp=bogus',
    'resend_mode=since&after_timestamp=',
  ])('refuses %s', (query) => expect(events(query)).toBeUndefined());
});

describe('the query of a session socket', () => {
  it.each([
    ['', { from: 'nothing' }],
    ['after_seq=-1', { from: 'seq', afterSeq: -1 }],
    ['after_seq=-5', { from: 'seq', afterSeq: -5 }],
    ['after_seq=1.0', { from: 'seq', afterSeq: 1 }],
  ])('%s', (query, resend) => expect(session(query)).toEqual(resend));

  it.each([
    'after_seq=',
    'after_seq=abc',
    'after_seq=1.5',
    'after_seq=1e9',
    'after_seq=9999999999999999999999',
  ])('refuses %s', (query) => expect(session(query)).toBeUndefined());
});

describe('after_timestamp', () => {
  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000000'],
    ['2026-11-24T13:39', '2026-11-24T13:39:00.000000'],
    ['2026-11-24 13:39:37.5', '2026-11-24T13:39:37.500000'],
    ['2026-11-24T13:39:37.123456789', '2026-11-24T13:39:37.123456'],
  ])('keeps naive local time: %s', (text, expected) => expect(parseAfterTimestamp(text)).toBe(expected));

  it('moves zoned times and epochs to local time', () => {
    const instant = new Date(Date.UTC(2026, 10, 24, 11, 39, 37));
    const pad = (value: number) => String(value).padStart(2, '0');
    const day = `${instant.getFullYear()}-${pad(instant.getMonth() + 1)}-${pad(instant.getDate())}`;
    const time = [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(pad).join(':');
    for (const text of ['2026-11-24T11:39:37Z', '2026-11-24T13:39:37+02:00', '2026-11-24T06:09:37-0530']) {
      expect(parseAfterTimestamp(text)).toBe(`${day}T${time}.000000`);
    }
    expect(parseAfterTimestamp(String(instant.getTime() / 1000))).toBe(`${day}T${time}.000000`);
    expect(parseAfterTimestamp(String(instant.getTime()))).toBe(`${day}T${time}.000000`);
  });

  it.each([
    '',
    'now',
    '2026-13-01',
    '2026-02-30',
    '2026-01-01T25:00',
    '99999999999999999999',
    '-5',
    '2026-1-1',
  ])('refuses %s', (text) => expect(parseAfterTimestamp(text)).toBeUndefined());
});
