pub const MULTIMETHOD_INVOKER: usize = 4;
