/** Zigzag codes: steps of either sign as small unsigned integers, in the order 0, −1, 1, −2, 2 … */

export function zigzag(step: i32): i32 {
  return (step << 1) ^ (step >> 31);
}

export function unzigzag(value: i32): i32 {
  return (value >>> 1) ^ -(value & 1);
}

/** Encodes a whole column as zigzag codes. */
export function zigzagAll(column: usize, count: u32): void {
  for (let p = column; p < column + <usize>count * 4; p += 16) {
    const step = v128.load(p);
    v128.store(p, v128.xor(i32x4.shl(step, 1), i32x4.shr_s(step, 31)));
  }
}

/** Decodes a whole column of zigzag codes. */
export function unzigzagAll(column: usize, count: u32): void {
  const one = i32x4.splat(1);
  for (let p = column; p < column + <usize>count * 4; p += 16) {
    const value = v128.load(p);
    v128.store(p, v128.xor(i32x4.shr_u(value, 1), i32x4.neg(v128.and(value, one))));
  }
}
