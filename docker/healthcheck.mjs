// HEALTHCHECK of the image: whether the service in this container should be left alone. Kubernetes asks /livez itself.
import { get } from 'node:http';

const port = process.env.TAPLINE_HEALTH_PORT ?? '8080';
get({ host: '127.0.0.1', port, path: '/livez', timeout: 4000 }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
)
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
