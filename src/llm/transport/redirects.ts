/** The limit of `fetch` (https://fetch.spec.whatwg.org/#http-redirect-fetch). */
const MAX_REDIRECTS = 20;

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Headers that may be sent to another origin. All others may hold keys, whose names depend on the provider.
 */
const SAFE_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent']);

/** An HTTP request. */
interface OutgoingRequest<Body> {
  url: string;
  method: string;
  /** Header names are in lower case. */
  headers: Record<string, string>;
  /** Undefined if there is no body. */
  body: Body | undefined;
}

/** What a redirect needs to know of a response. */
interface RedirectInfo {
  status: number;
  location: string | undefined;
  /** Discards the body. */
  discard: () => Promise<unknown>;
}

/**
 * Sends a request and follows redirects. A POST stays a POST with its body unless the status is 303, because
 * a moved address expects the same request. Keys and custom headers are not sent to another origin.
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
