import { api, call } from '../../api/client.js';
import { messageOf } from '../../api/api-error.js';

/** Whether a model can be used, or why not. */
export interface CheckResult {
  isValid: boolean;
  /** The kind of the error, such as `LLMAuthenticationError`. */
  type: string;
  text: string;
}

/** Makes a small call with a stored profile, or with the given options. Never rejects. */
export async function checkProfile(name: string, llm?: object): Promise<CheckResult> {
  const params = { path: { name } };
  try {
    const fields = llm ?? (await call(api.GET('/api/profiles/{name}', { params }))).config;
    const { valid, error } = await call(
      api.POST('/api/profiles/{name}/validate', { params, body: { llm: fields } }),
    );
    return { isValid: valid, type: error?.type ?? '', text: error?.message ?? '' };
  } catch (error) {
    return { isValid: false, type: '', text: messageOf(error) };
  }
}
