import { ApiProperty } from '@nestjs/swagger';

/** The process is alive. */
export class HealthStatus {
  @ApiProperty({ enum: ['ok'] })
  status!: 'ok';
}

/** The server takes work. */
export class ReadyStatus {
  @ApiProperty({ enum: ['ready', 'initializing'] })
  status!: 'ready' | 'initializing';
  @ApiProperty({ required: false, description: 'Why not.' })
  message?: string;
}

/** What the server is and can do. */
export class ServerInfo {
  @ApiProperty({ description: 'Seconds since the start.' })
  uptime!: number;
  @ApiProperty({ description: 'Seconds since something happened in a conversation.' })
  idle_time!: number;
  @ApiProperty()
  title!: string;
  @ApiProperty({ description: 'Version of the API, by which clients switch features on.' })
  version!: string;
  @ApiProperty()
  sdk_version!: string;
  @ApiProperty()
  tools_version!: string;
  @ApiProperty()
  workspace_version!: string;
  @ApiProperty({ description: 'Name and version of this implementation.' })
  implementation!: string;
  @ApiProperty()
  build_git_sha!: string;
  @ApiProperty()
  build_git_ref!: string;
  @ApiProperty({ description: 'There is no Python in this server; names its runtime instead.' })
  python_version!: string;
  @ApiProperty({ type: [String], description: 'Names of the tools that an agent can be given.' })
  usable_tools!: string[];
  @ApiProperty({ type: Number, nullable: true })
  runtime_idle_timeout_seconds!: number | null;
  @ApiProperty({ enum: ['local', 'docker'] })
  conversation_runtime!: 'local' | 'docker';
  @ApiProperty({ enum: ['local', 'docker'], isArray: true })
  available_conversation_runtimes!: ('local' | 'docker')[];
  @ApiProperty({ type: [String], description: 'Features that clients may rely on.' })
  capabilities!: string[];
  @ApiProperty({ type: String, nullable: true })
  app_backend_ingress_url!: string | null;
  @ApiProperty({ type: Number, nullable: true })
  max_foreground_terminal_timeout_seconds!: number | null;
  @ApiProperty()
  docs!: string;
  @ApiProperty()
  redoc!: string;
}
