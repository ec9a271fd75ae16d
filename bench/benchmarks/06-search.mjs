import {
  countEvents,
  createConversation,
  fillConversation,
  searchEvents,
  warmUp,
} from '../support/conversation.mjs';
import { answersMs } from '../support/limits.mjs';
import { median } from '../support/table.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const EVENTS = 5_000;
/** Bytes of a page as this server answers it. */
const PAGE_BYTES = 30_500;

/** Reading a long conversation in pages of 100. */
export const benchmark = {
  name: 'search',
  rounds: { full: 3, quick: 1 },
  rows: {
    first: {
      title: `${EVENTS.toLocaleString('en-US')} events: first page`,
      unit: 'ms',
      better: 'less',
      target: { figure: 0.5, times: 9 },
    },
    last: { title: 'the same, last page', unit: 'ms', better: 'less', target: { figure: 0.5, times: 7.2 } },
    all: {
      title: 'the same, all pages (limit: as many bytes from a bare server)',
      unit: 'ms',
      better: 'less',
      target: { figure: 15, times: 17 },
    },
    absent: { title: 'the same, a kind that is not there', unit: 'ms', better: 'less' },
    count: { title: 'the same, count', unit: 'ms', better: 'less' },
    touch: {
      title: 'the same, first page as the first request after a restart',
      unit: 'ms',
      better: 'less',
      target: { figure: 20, times: 19.7 },
    },
  },
  async measure({ start, quick }) {
    const server = await start();
    const conversation = await createConversation(server, ANY);
    await fillConversation(server, conversation, EVENTS);
    const events = await countEvents(server, conversation);
    const lastPage = await lastPageId(server, conversation, events);
    const search = async (query, expected) => {
      const { body, ms } = await server.read(pageRoute(conversation, query));
      if (body.items.length !== expected)
        throw new Error(`a page of ${body.items.length} events, not ${expected}`);
      return ms;
    };
    const count = async () => (await server.read(`${conversation}/events/count`)).ms;
    const times = quick ? 50 : 150;
    await warmUp(1, quick ? 500 : 2_000, () => search('', 100));
    await warmUp(1, quick ? 1_000 : 3_000, () => allPages(server, conversation, events));
    const figures = {
      first: await medianTime(times, () => search('', 100)),
      last: await medianTime(times, () => search(`&page_id=${lastPage}`, ((events - 1) % 100) + 1)),
      absent: await medianTime(times, () => search('&kind=PauseEvent', 0)),
      count: await medianTime(times, count),
      all: await medianTime(quick ? 5 : 15, () => allPages(server, conversation, events)),
    };
    const touches = [];
    for (let i = 0; i < 3; i++) {
      await server.restart();
      touches.push(await medianTime(1, () => search('', 100)));
    }
    return { ...figures, touch: median(touches) };
  },
  async limit() {
    return { all: await answersMs(EVENTS / 100, PAGE_BYTES) };
  },
};

function pageRoute(conversation, query = '') {
  return `${conversation}/events/search?limit=100${query}`;
}

/** Milliseconds to read all pages in sequence. */
async function allPages(server, conversation, expected) {
  let [total, events, from] = [0, 0, ''];
  do {
    const { body, ms } = await server.read(pageRoute(conversation, from));
    total += ms;
    events += body.items.length;
    from = body.next_page_id === null ? undefined : `&page_id=${encodeURIComponent(body.next_page_id)}`;
  } while (from !== undefined);
  if (events !== expected) throw new Error(`${events} events on all pages, not ${expected}`);
  return total;
}

async function lastPageId(server, conversation, events) {
  let id;
  for (let page = 1; page < Math.ceil(events / 100); page++) {
    const from = id === undefined ? '' : `&page_id=${id}`;
    id = encodeURIComponent((await searchEvents(server, conversation, from)).next_page_id);
  }
  return id;
}

/** The median of the times that an action returns. */
async function medianTime(times, action) {
  const waits = [];
  for (let i = 0; i < times; i++) waits.push(await action());
  return median(waits);
}
