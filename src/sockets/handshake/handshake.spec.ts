import { readEventsResend, readSessionResend } from './handshake.js';

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
  ])('of "%s" is parsed', (query, resend) => expect(events(query)).toEqual(resend));

  it.each([
    'resend_mode=',
    'resend_mode=ALL',
    'resend_mode=all&resend_mode=bogus',
    'resend_all=bogus',
    'resend_all=',
    'after_timestamp=bogus',
    'resend_mode=since&after_timestamp=',
  ])('of "%s" is refused', (query) => expect(events(query)).toBeUndefined());
});

describe('the query of a session socket', () => {
  it.each([
    ['', { from: 'nothing' }],
    ['after_seq=-1', { from: 'seq', afterSeq: -1 }],
    ['after_seq=-5', { from: 'seq', afterSeq: -5 }],
    ['after_seq=1.0', { from: 'seq', afterSeq: 1 }],
  ])('of "%s" is parsed', (query, resend) => expect(session(query)).toEqual(resend));

  it.each([
    'after_seq=',
    'after_seq=abc',
    'after_seq=1.5',
    'after_seq=1e9',
    'after_seq=9999999999999999999999',
  ])('of "%s" is refused', (query) => expect(session(query)).toBeUndefined());
});
