import { operationText } from './operation-text.js';

describe('operationText', () => {
  it.each([
    ['Conversations_create', 'Conversations: create'],
    ['LlmProfiles_saveProfile', 'Llm profiles: save profile'],
    ['Socket_message', 'Socket: message'],
    ['several', 'several'],
  ])('shows %s as "%s"', (operation, text) => expect(operationText(operation)).toBe(text));
});
