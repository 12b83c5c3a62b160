/** Makes this process one in which the server's binary does not load, as with Node 22 on Debian 12. */
const { dlopen } = process;
process.dlopen = (...args: Parameters<typeof dlopen>) => {
  const [, filename] = args;
  if (/uws_\w+\.node$/.test(filename)) {
    throw new Error(
      `/lib/x86_64-linux-gnu/libc.so.6: version 'GLIBC_2.38' not found (required by ${filename})`,
    );
  }
  dlopen(...args);
};
