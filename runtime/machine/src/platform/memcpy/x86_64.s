// Copying, filling and comparing memory, for x86-64 with the calling convention of System V.
// Only SSE2 is used, which every such processor has. Each function reads and writes exactly the
// bytes of its operands: blocks that are no multiple of 16 are covered by overlapping accesses.

.pushsection .text.sema_memcpy,"ax",@progbits
.globl sema_memcpy
.globl sema_memmove
.type sema_memcpy,@function
.type sema_memmove,@function
.p2align 5
// rdi: to, rsi: from, rdx: bytes; gives `to`. Up to 128 bytes everything is loaded before anything is
// stored, so overlapping operands need no distinction.
sema_memcpy:
sema_memmove:
    mov rax, rdi
    cmp rdx, 16
    jb 20f
    cmp rdx, 32
    ja 30f
    movups xmm0, [rsi]
    movups xmm1, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm1
    ret
20: // 0 to 15 bytes
    cmp edx, 8
    jb 21f
    mov rcx, [rsi]
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret
21:
    cmp edx, 4
    jb 22f
    mov ecx, [rsi]
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret
22: // 0 to 3 bytes: the first, the middle and the last one
    test edx, edx
    je 23f
    mov r9, rdx
    shr r9
    movzx ecx, byte ptr [rsi]
    movzx r8d, byte ptr [rsi + rdx - 1]
    movzx r10d, byte ptr [rsi + r9]
    mov [rdi], cl
    mov [rdi + r9], r10b
    mov [rdi + rdx - 1], r8b
23:
    ret
30: // 33 bytes or more
    cmp rdx, 64
    ja 31f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + rdx - 32]
    movups xmm3, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + rdx - 32], xmm2
    movups [rdi + rdx - 16], xmm3
    ret
31:
    movups xmm4, [rsi + rdx - 64]
    movups xmm5, [rsi + rdx - 48]
    movups xmm6, [rsi + rdx - 32]
    movups xmm7, [rsi + rdx - 16]
    cmp rdx, 128
    ja 32f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    movups [rdi + rdx - 64], xmm4
    movups [rdi + rdx - 48], xmm5
    movups [rdi + rdx - 32], xmm6
    movups [rdi + rdx - 16], xmm7
    ret
32: // 129 bytes or more; the last 64 are in xmm4 to xmm7
    mov rcx, rdi
    sub rcx, rsi
    cmp rcx, rdx
    jb 36f
    cmp rdx, 4096
    jae 35f
    // Forwards: `to` lies in front of `from`, or they do not overlap.
    lea r8, [rdi + rdx - 64]
33:
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rsi, 64
    add rdi, 64
    cmp rdi, r8
    jb 33b
34:
    movups [rax + rdx - 64], xmm4
    movups [rax + rdx - 48], xmm5
    movups [rax + rdx - 32], xmm6
    movups [rax + rdx - 16], xmm7
    ret
35:
    mov rcx, rdx
    shr rcx, 3
    rep movsq
    jmp 34b
36: // Backwards, down to the first 64 bytes, which are loaded before anything is stored.
    movups xmm8, [rsi]
    movups xmm9, [rsi + 16]
    movups xmm10, [rsi + 32]
    movups xmm11, [rsi + 48]
    lea rsi, [rsi + rdx - 64]
    lea rcx, [rdi + rdx - 64]
37:
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rcx], xmm0
    movups [rcx + 16], xmm1
    movups [rcx + 32], xmm2
    movups [rcx + 48], xmm3
    sub rsi, 64
    sub rcx, 64
    cmp rcx, rdi
    ja 37b
    movups [rdi], xmm8
    movups [rdi + 16], xmm9
    movups [rdi + 32], xmm10
    movups [rdi + 48], xmm11
    ret
.size sema_memcpy, . - sema_memcpy
.size sema_memmove, . - sema_memmove
.popsection

.pushsection .text.sema_memset,"ax",@progbits
.globl sema_memset
.type sema_memset,@function
.p2align 5
// rdi: to, esi: the byte, rdx: bytes; gives `to`.
sema_memset:
    movzx esi, sil
    movabs rcx, 0x0101010101010101
    imul rcx, rsi
    mov rax, rdi
    cmp rdx, 16
    jb 40f
    movq xmm0, rcx
    punpcklqdq xmm0, xmm0
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm0
    cmp rdx, 32
    jbe 46f
    movups [rdi + 16], xmm0
    movups [rdi + rdx - 32], xmm0
    cmp rdx, 64
    jbe 46f
    cmp rdx, 2048
    jae 47f
    movups [rdi + rdx - 64], xmm0
    movups [rdi + rdx - 48], xmm0
    lea r8, [rdi + rdx - 64]
44:
    movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    add rdi, 64
    cmp rdi, r8
    jb 44b
46:
    ret
47: // The last bytes that are no whole word have been written.
    mov r9, rdi
    mov rax, rcx
    mov rcx, rdx
    shr rcx, 3
    rep stosq
    mov rax, r9
    ret
40: // 0 to 15 bytes
    cmp edx, 8
    jb 41f
    mov [rdi], rcx
    mov [rdi + rdx - 8], rcx
    ret
41:
    cmp edx, 4
    jb 42f
    mov [rdi], ecx
    mov [rdi + rdx - 4], ecx
    ret
42:
    test edx, edx
    je 43f
    mov r9, rdx
    shr r9
    mov [rdi], cl
    mov [rdi + r9], cl
    mov [rdi + rdx - 1], cl
43:
    ret
.size sema_memset, . - sema_memset
.popsection

.pushsection .text.sema_memcmp,"ax",@progbits
.globl sema_memcmp
.type sema_memcmp,@function
.p2align 5
// rdi, rsi: operands, rdx: bytes; gives a number below, equal to or above 0, as the first bytes that
// differ compare.
sema_memcmp:
    cmp rdx, 8
    jb 52f
    sub rdx, 8
    xor ecx, ecx
    jmp 51f
50:
    mov rax, [rdi + rcx]
    mov r9, [rsi + rcx]
    cmp rax, r9
    jne 55f
    add rcx, 8
51:
    cmp rcx, rdx
    jb 50b
    // The last 8 bytes; those of them that were compared before are equal.
    mov rax, [rdi + rdx]
    mov r9, [rsi + rdx]
    cmp rax, r9
    jne 55f
    xor eax, eax
    ret
52: // 0 to 7 bytes
    cmp edx, 4
    jb 53f
    mov eax, [rdi]
    mov ecx, [rdi + rdx - 4]
    mov r9d, [rsi]
    mov r8d, [rsi + rdx - 4]
    shl rcx, 32
    or rax, rcx
    shl r8, 32
    or r9, r8
    // Bytes that are in both halves are equal when the first half is.
    cmp rax, r9
    jne 55f
    xor eax, eax
    ret
53:
    xor ecx, ecx
54:
    cmp rcx, rdx
    jae 56f
    movzx eax, byte ptr [rdi + rcx]
    movzx r9d, byte ptr [rsi + rcx]
    inc rcx
    sub eax, r9d
    je 54b
    ret
55:
    bswap rax
    bswap r9
    cmp rax, r9
    sbb eax, eax
    or eax, 1
    ret
56:
    xor eax, eax
    ret
.size sema_memcmp, . - sema_memcmp
.popsection
