const QUOTA = /insufficient_quota|exceeded your current quota|credit balance is too low|billing_hard_limit/i;
/** Google's ids of quotas, and AWS's words. */
const OF_A_DAY = /PerDay|too many \w+ per day/i;
/** Google says the same of the limits of a minute, and then when to come again. */
const COMES_BACK = /PerMinute|"retryDelay"/i;

/**
 * Whether a refusal for limits (429) is of a quota that is used up, so that waiting does not help within
 * reason: money, or what there is for a day. https://ai.google.dev/gemini-api/docs/rate-limits
 * @param body the whole of it: Google names the quota in its details
 */
export function isQuotaSpent(said: { message: string; code?: string }, body = ''): boolean {
  const all = `${said.code ?? ''} ${said.message} ${body}`;
  return OF_A_DAY.test(all) || (QUOTA.test(all) && !COMES_BACK.test(all));
}
