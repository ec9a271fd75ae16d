import { Choice, Decimal, Flag, NameList, Text, TextList, Whole } from './config-field.js';

/** The options of conversations in containers. Those of the server have them without a group of their own. */
export class ContainersConfig {
  @Choice(
    'Runtime of conversations: `local` on this machine, `docker` each in a container of its own (docs/containers.md).',
    ['local', 'docker'],
  )
  conversation_runtime: string = 'local';
  @Flag('Whether a request may choose the runtime of its conversation.')
  conversation_runtime_selectable: boolean = false;
  @Text('Image of conversation containers, which has to be on the machine of the engine: nothing is pulled.')
  conversation_image: string = 'openhands-agent-server';
  @Flag('Whether that image has a browser; null: only images of the original other than `minimal`.', {
    nullable: true,
  })
  conversation_image_has_browser: boolean | null = null;
  @Text(
    'Socket of the container engine, as `unix:///path` or `http://127.0.0.1:port`; null: `DOCKER_HOST`, else ' +
      '`/var/run/docker.sock`.',
    { nullable: true },
  )
  conversation_engine: string | null = null;
  @Text(
    'Network of the engine that containers join, for a server that itself runs in a container of that network; null: ' +
      'the default one, reached by a port on 127.0.0.1. Not `host`.',
    { nullable: true },
  )
  conversation_container_network: string | null = null;
  @TextList(
    'Folders of this machine, besides `workspace_path`, in which workspaces of containers may lie. Without one a ' +
      'request gets a folder of its own.',
  )
  conversation_container_workspaces: string[] = [];
  @TextList(
    'Folders of this machine that every container sees, read-only, as `/folder` or `/folder:/path/inside`.',
  )
  conversation_container_mounts: string[] = [];
  @NameList(
    'Environment variables of the server that are passed to the servers in containers, such as `CI,LMNR_*`.',
  )
  conversation_container_environment: string[] = [];
  @Text('Memory limit of a conversation container, such as `512m` or `4g`.', { nullable: true })
  conversation_container_memory: string | null = '4g';
  @Decimal('Processors of a conversation container.', { above: 0 }, { nullable: true })
  conversation_container_cpus: number | null = 2;
  @Whole('Processes of a conversation container.', { above: 0 }, { nullable: true })
  conversation_container_pids_limit: number | null = 512;
  @Decimal('Maximum seconds until a conversation container has started.', { above: 0 })
  conversation_container_startup_timeout: number = 120;
}
