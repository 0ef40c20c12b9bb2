import { connect } from 'node:net';

/** Opens a TCP connection, sends `bytes` if any, and resolves true when the first answer starts with `expected`. */
export async function probeTcp(port: number, bytes = '', expected = ''): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(2000, () => {
      finish(false);
    });
    socket.once('error', () => {
      finish(false);
    });
    socket.once('connect', () => {
      if (bytes === '') finish(true);
      else socket.write(bytes);
    });
    socket.once('data', (data) => {
      finish(data.toString().startsWith(expected));
    });
  });
}
