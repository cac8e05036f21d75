//! The fields of instruction words: their types, and how they are put in and taken out.

macro_rules! field_type {
    (a) => {
        u8
    };
    (b) => {
        u8
    };
    (c) => {
        u8
    };
    (sc) => {
        i8
    };
    (bx) => {
        u16
    };
    (sbx) => {
        i16
    };
    (s24) => {
        i32
    };
    (x) => {
        u32
    };
    (sx) => {
        i32
    };
}
macro_rules! field_put {
    ($w0:ident, $w1:ident, a, $v:expr) => {
        $w0 |= ($v as u32) << 8;
    };
    ($w0:ident, $w1:ident, b, $v:expr) => {
        $w0 |= ($v as u32) << 16;
    };
    ($w0:ident, $w1:ident, c, $v:expr) => {
        $w0 |= ($v as u32) << 24;
    };
    ($w0:ident, $w1:ident, sc, $v:expr) => {
        $w0 |= ($v as u8 as u32) << 24;
    };
    ($w0:ident, $w1:ident, bx, $v:expr) => {
        $w0 |= ($v as u32) << 16;
    };
    ($w0:ident, $w1:ident, sbx, $v:expr) => {
        $w0 |= ($v as u16 as u32) << 16;
    };
    ($w0:ident, $w1:ident, s24, $v:expr) => {
        $w0 |= ($v as u32) << 8;
    };
    ($w0:ident, $w1:ident, x, $v:expr) => {
        $w1 = Some($v);
    };
    ($w0:ident, $w1:ident, sx, $v:expr) => {
        $w1 = Some($v as u32);
    };
}
macro_rules! field_take {
    ($w0:ident, $w1:ident, a) => {
        ($w0 >> 8) as u8
    };
    ($w0:ident, $w1:ident, b) => {
        ($w0 >> 16) as u8
    };
    ($w0:ident, $w1:ident, c) => {
        ($w0 >> 24) as u8
    };
    ($w0:ident, $w1:ident, sc) => {
        ($w0 >> 24) as u8 as i8
    };
    ($w0:ident, $w1:ident, bx) => {
        ($w0 >> 16) as u16
    };
    ($w0:ident, $w1:ident, sbx) => {
        ($w0 >> 16) as u16 as i16
    };
    ($w0:ident, $w1:ident, s24) => {
        ($w0 as i32) >> 8
    };
    ($w0:ident, $w1:ident, x) => {
        $w1?
    };
    ($w0:ident, $w1:ident, sx) => {
        $w1? as i32
    };
}
macro_rules! field_words {
    (x) => {
        1
    };
    (sx) => {
        1
    };
    ($other:ident) => {
        0
    };
}
