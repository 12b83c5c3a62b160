/** Makes `subarray` of buffers go by their true size, as Node does from 24 on, whatever `length` they show. */
const { subarray } = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
Buffer.prototype.subarray = function (this: Buffer, from?: number, to?: number): never {
  return subarray.call(this, from, to) as never;
};
