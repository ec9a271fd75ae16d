import { signal, useSignal, type Signal } from '@preact/signals';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { RequestProblem } from '../../ui/request-problem.js';
import { visible } from '../../ui/safe-text.js';
import { useRequest } from '../../ui/use-request.js';
import type { ConversationRequests } from '../conversation-requests.js';

const MAX_LENGTH = 100_000;
/** Questions of this visit by conversation: they are stored nowhere. */
const asked = new Map<string, Signal<readonly { question: string; answer: string }[]>>();

/** Asks the model of the agent about the conversation. */
export function AskDialog({
  requests,
  isScripted,
  onClose,
}: {
  requests: ConversationRequests;
  isScripted: boolean;
  onClose: () => void;
}) {
  const answers = answersOf(requests.id);
  const question = useSignal('');
  const ask = useRequest(async (text: string) => {
    const answer = await requests.ask(text);
    answers.value = [...answers.peek(), { question: text, answer: answer.slice(0, MAX_LENGTH) }];
    question.value = '';
  });
  const submit = (): void => {
    if (question.value.trim() !== '') void ask.run(question.value);
  };
  return (
    <Dialog title="Ask about the conversation" onClose={onClose} wide>
      <p class="field-help">
        The model of the agent answers from what is in the conversation, also during a run. Question and
        answer do not become part of it, and the agent does not see them. The call costs tokens.
      </p>
      {answers.value.length > 0 && (
        <ol class="asked" aria-live="polite">
          {answers.value.map((entry, index) => (
            <li key={index}>
              <p>{visible(entry.question)}</p>
              <pre>{visible(entry.answer)}</pre>
            </li>
          ))}
        </ol>
      )}
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label class="field">
          <span>Question</span>
          <textarea
            rows={3}
            autofocus
            placeholder={
              isScripted ? 'What have you done?\nSAY: I have written hello.txt.' : 'What is left to do?'
            }
            value={question.value}
            onInput={(event) => {
              question.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
              event.preventDefault();
              submit();
            }}
          />
          {isScripted && (
            <span class="field-help">
              The scripted model answers with what your question tells it to SAY.
            </span>
          )}
        </label>
        <RequestProblem problem={ask.problem} />
        <div class="form-actions">
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" type="submit" busy={ask.isBusy} disabled={question.value.trim() === ''}>
            {ask.isBusy ? 'Asking' : 'Ask'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function answersOf(id: string): Signal<readonly { question: string; answer: string }[]> {
  const known = asked.get(id) ?? signal([]);
  asked.set(id, known);
  return known;
}
