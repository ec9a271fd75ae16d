import { startChatEndpoint } from '../../test/support/chat-endpoint.mjs';

/**
 * A model behind a real HTTP endpoint of OpenAI's protocol, for any server. It plays one list of turns at a
 * time: which one is next depends on the dialogue alone, so a repeated request gets the same answer.
 */
export async function startScriptedModel() {
  let turns = [];
  const player = {
    nextTurn(messages, _attempt, canCall) {
      // Titles and summaries.
      if (!canCall) return { wait: 0, text: 'Evaluation', calls: [] };
      const played = messages.filter(({ role }) => role === 'assistant').length;
      return turns[played] ?? { wait: 0, text: 'The script is at its end.', calls: [] };
    },
  };
  const endpoint = await startChatEndpoint({ player });
  return {
    llm: { model: 'openai/scripted', base_url: endpoint.url, api_key: 'none' },
    play(next) {
      turns = next;
    },
    close: () => endpoint.close(),
  };
}
