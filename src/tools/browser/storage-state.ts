import type { BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import { BrowserError } from './browser-error.js';
import { webAddress } from './web-address.js';

const ENTRIES = z.array(z.object({ name: z.string(), value: z.string() }));
const STATE = z.object({
  cookies: z
    .array(
      z.object({
        name: z.string(),
        value: z.string(),
        domain: z.string(),
        path: z.string().default('/'),
        expires: z.number().default(-1),
        httpOnly: z.boolean().default(false),
        secure: z.boolean().default(false),
        sameSite: z.enum(['Strict', 'Lax', 'None']).default('Lax'),
      }),
    )
    .default([]),
  origins: z.array(z.object({ origin: z.string(), localStorage: ENTRIES.default([]) })).default([]),
});

/** Cookies and local storage of all sites, and the session storage of the current page. */
export async function readStorage(context: BrowserContext, page: Page): Promise<Record<string, unknown>> {
  const { cookies, origins } = await context.storageState();
  const session: unknown = await page
    .evaluate('Object.entries(sessionStorage).map(([name, value]) => ({ name, value }))')
    .catch(() => []);
  return { cookies, origins, session_storage: session };
}

/**
 * Replaces cookies and local storage. Session storage belongs to a tab and stays unchanged.
 * @throws BrowserError if the state is invalid
 */
export async function writeStorage(
  context: BrowserContext,
  state: unknown,
): Promise<{ cookies: number; origins: number }> {
  const parsed = STATE.safeParse(state);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BrowserError(
      `storage_state: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not one'}`,
    );
  }
  const { cookies, origins } = parsed.data;
  for (const { origin } of origins) webAddress(origin);
  await context.setStorageState({ cookies, origins });
  return { cookies: cookies.length, origins: origins.length };
}
