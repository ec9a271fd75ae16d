/** As many as `fetch` follows (https://fetch.spec.whatwg.org/#http-redirect-fetch). */
const MAX_REDIRECTS = 20;

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Headers that tell nothing of who asks: no others go to another host. Keys are called as each provider
 * likes.
 */
const SAFE_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent']);

/** What is asked for, where, and how. */
export interface OutgoingRequest<Body> {
  url: string;
  method: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Undefined: none. */
  body: Body | undefined;
}

/** What came back, as far as it may lead elsewhere. */
interface RedirectInfo {
  status: number;
  location: string | undefined;
  /** Has the rest of it thrown away. */
  discard: () => Promise<unknown>;
}

/**
 * Asks, and goes where it is sent. What was to be posted is posted there, too, unless the answer says to get
 * something (303), as an address that moved is not asked for something else. To another origin go neither
 * keys nor headers of one's own.
 */
export async function followRedirects<Body, Answer>(
  asked: OutgoingRequest<Body>,
  ask: (asked: OutgoingRequest<Body>) => Promise<Answer>,
  readAnswer: (answer: Answer) => RedirectInfo,
): Promise<Answer> {
  for (let count = 0; ; count += 1) {
    const answer = await ask(asked);
    const { status, location, discard } = readAnswer(answer);
    if (!REDIRECT_STATUSES.has(status) || location === undefined) return answer;
    await discard();
    if (count === MAX_REDIRECTS) throw new Error(`redirected more than ${MAX_REDIRECTS} times`);
    asked = redirected(asked, status, location);
  }
}

function redirected<Body>(
  asked: OutgoingRequest<Body>,
  status: number,
  location: string,
): OutgoingRequest<Body> {
  const from = new URL(asked.url);
  const to = new URL(location, from);
  const gets = status === 303;
  const isKept = (name: string): boolean =>
    (to.origin === from.origin || SAFE_HEADERS.has(name)) && !(gets && name.startsWith('content-'));
  return {
    url: to.href,
    method: gets ? 'GET' : asked.method,
    headers: Object.fromEntries(Object.entries(asked.headers).filter(([name]) => isKept(name))),
    body: gets ? undefined : asked.body,
  };
}
