/** Powers of ten, exact as float64. A price times its power is a number of points. */
const POWERS: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]);

/** @param digits 0 to 15 */
export function powerOfTen(digits: u32): f64 {
  return load<f64>(POWERS + ((<usize>digits & 15) << 3));
}
