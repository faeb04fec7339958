# SPDX-License-Identifier: MIT
#
# The decompressors of the domain builder: zlib, liblzma and zstd, the decoding halves alone, from Debian's
# sources. They are compiled twice: for Domain-0's image with newlib (minios/apps/dom0/build.mk, which reads this
# file first) and for the tests on the host (toolstack/build.mk).
#     UNPACK_SRCS       sources that exist once the packages are there
#     UNPACK_READY      what says so
#     UNPACK_INCLUDES   for code that uses the libraries
#     UNPACK_CFLAGS     for the libraries' own code

TOOL_ZLIB := $(THIRD)/zlib
TOOL_XZ := $(THIRD)/xz-utils/src
TOOL_ZSTD := $(THIRD)/libzstd/lib

UNPACK_ZLIB_SRCS := $(addprefix $(TOOL_ZLIB)/,adler32.c crc32.c inffast.c inflate.c inftrees.c zutil.c)
UNPACK_XZ_SRCS := $(addprefix $(TOOL_XZ)/liblzma/, \
    common/common.c common/alone_decoder.c common/block_decoder.c common/block_header_decoder.c \
    common/block_util.c common/filter_common.c common/filter_decoder.c common/filter_flags_decoder.c \
    common/index_hash.c common/stream_decoder.c common/stream_flags_common.c common/stream_flags_decoder.c \
    common/vli_decoder.c common/vli_size.c \
    check/check.c check/crc32_fast.c check/crc32_table.c check/crc64_fast.c check/crc64_table.c \
    lz/lz_decoder.c lzma/lzma_decoder.c lzma/lzma2_decoder.c \
    simple/simple_coder.c simple/simple_decoder.c simple/x86.c)
UNPACK_ZSTD_SRCS := $(addprefix $(TOOL_ZSTD)/, \
    common/debug.c common/entropy_common.c common/error_private.c common/fse_decompress.c common/xxhash.c \
    common/zstd_common.c \
    decompress/huf_decompress.c decompress/zstd_ddict.c decompress/zstd_decompress.c \
    decompress/zstd_decompress_block.c)
UNPACK_SRCS := $(UNPACK_ZLIB_SRCS) $(UNPACK_XZ_SRCS) $(UNPACK_ZSTD_SRCS)
UNPACK_READY := $(addsuffix /.done,$(addprefix $(THIRD)/,zlib xz-utils libzstd))
UNPACK_INCLUDES := -isystem $(TOOL_ZLIB) -isystem $(TOOL_XZ)/liblzma/api -isystem $(TOOL_ZSTD)

# What configure would find out, and which decoders to have: LZMA 1 and 2 with the filter for x86 code, as
# Linux packs its kernel; CRC-64 is what xz itself puts into a file. Both libraries have assembly that needs
# processor features of one kind or another; the C code does everywhere.
UNPACK_CFLAGS := -w -DNDEBUG \
    -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_STRING_H -DHAVE_STDBOOL_H -DHAVE_LIMITS_H -DSIZEOF_SIZE_T=8 \
    -DTUKLIB_FAST_UNALIGNED_ACCESS -DHAVE_DECODERS -DHAVE_DECODER_LZMA1 -DHAVE_DECODER_LZMA2 \
    -DHAVE_DECODER_X86 -DHAVE_CHECK_CRC32 -DHAVE_CHECK_CRC64 \
    $(addprefix -I $(TOOL_XZ)/,common $(addprefix liblzma/,api common check lz lzma rangecoder simple delta)) \
    -DZSTD_DISABLE_ASM=1 -DDYNAMIC_BMI2=0

$(UNPACK_ZLIB_SRCS): $(THIRD)/zlib/.done ;
$(UNPACK_XZ_SRCS): $(THIRD)/xz-utils/.done ;
$(UNPACK_ZSTD_SRCS): $(THIRD)/libzstd/.done ;
