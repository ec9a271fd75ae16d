import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import type { ConversationContainers } from '../fleet/conversation-containers.js';
import type { ContainerDeletion } from '../fleet/container-deletion.js';

const ROUTE = /^(?:\/api)?\/conversations\/[^/]+(\/runtime(?:\/credentials|\/reprovision)?)?$/;

/** The routes of a container itself, and the deletion of its conversation. */
export class RuntimeRoutes {
  constructor(
    private readonly containers: ConversationContainers,
    private readonly deletion: ContainerDeletion,
  ) {}

  /** Answers a request for the runtime of a conversation. @returns false for any other */
  async handle(id: string, request: HttpRequest, response: HttpResponse): Promise<boolean> {
    const found = ROUTE.exec(request.path);
    if (!found) return false;
    switch (`${request.method} ${found[1] ?? ''}`) {
      case 'GET /runtime':
        response.json(this.info(id));
        return true;
      case 'POST /runtime/reprovision':
        (await this.containers.use(id)).release();
        response.status(200).json(this.info(id));
        return true;
      case 'POST /runtime/credentials': {
        const record = this.containers.records.get(id);
        response.status(200).json({ session_api_key: record?.apiKey ?? null });
        return true;
      }
      case 'DELETE /runtime':
        await this.containers.stop(id);
        response.status(204).end();
        return true;
      case 'DELETE ':
        await this.deletion.delete(id);
        response.status(200).json({ success: true });
        return true;
      default:
        return false;
    }
  }

  private info(id: string) {
    const problem = this.containers.records.problemOf(id);
    return {
      runtime_status: this.containers.status(id),
      can_resume: problem === undefined && !this.containers.records.isArchived(id),
      runtime_error: problem === undefined ? null : { code: 'UnusableRecord', message: problem },
    };
  }
}
