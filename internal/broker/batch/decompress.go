package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// errTooLarge says that a batch unpacks to more than is allowed.
var errTooLarge = errors.New("it unpacks to too much")

// buffers are where batches of unknown size are unpacked before they move into
// memory of the right size.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// decompress unpacks a batch's records into fresh memory of at most limit bytes.
//
// Snappy and zstd are read without kafka-go's codecs, which allocate whatever
// size the bytes claim.
func decompress(codec compress.Compression, packed []byte, limit int) ([]byte, error) {
	if codec == compress.Snappy {
		return decompressSnappy(packed, limit)
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keptCapacity {
			buffers.Put(buf)
		}
	}()
	var err error
	switch codec {
	case compress.Gzip, compress.Lz4:
		*buf, err = readAll(codec, packed, (*buf)[:0], limit)
	case compress.Zstd:
		*buf, err = decompressZstd(packed, (*buf)[:0], limit)
	default:
		err = fmt.Errorf("codec %d is not defined", codec)
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(*buf), nil
}

// readAll unpacks with one of kafka-go's codecs, which stream.
func readAll(codec compress.Compression, packed, buf []byte, limit int) ([]byte, error) {
	r := codec.Codec().NewReader(bytes.NewReader(packed))
	defer func() { _ = r.Close() }() // gives the reader back to its pool
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(4*len(packed), 4096))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// zstdDecoders has decoders by their limit: it is fixed when one is made.
var zstdDecoders sync.Map // int -> *sync.Pool of *zstd.Decoder

func decompressZstd(packed, buf []byte, limit int) ([]byte, error) {
	pool, ok := zstdDecoders.Load(limit)
	if !ok {
		pool, _ = zstdDecoders.LoadOrStore(limit, &sync.Pool{New: func() any {
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(uint64(max(limit, zstd.MinWindowSize))))
			if err != nil {
				panic("batch: zstd refuses its options: " + err.Error())
			}
			return d
		}})
	}
	d := pool.(*sync.Pool).Get().(*zstd.Decoder)
	defer pool.(*sync.Pool).Put(d)
	return d.DecodeAll(packed, buf)
}

// xerial is how Java's snappy-java frames its blocks: this, two int32 versions,
// then blocks with their int32 size in front. Others write one bare block.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeader = 16

func decompressSnappy(packed []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(packed, xerial) || len(packed) < xerialHeader {
		size, err := snappy.DecodedLen(packed)
		switch {
		case err != nil:
			return nil, err
		case size > limit:
			return nil, errTooLarge
		}
		return snappy.Decode(nil, packed)
	}
	packed = packed[xerialHeader:]
	total, err := xerialSize(packed, limit)
	if err != nil {
		return nil, err
	}
	out := make([]byte, total)
	for n := 0; len(packed) > 0; {
		block := packed[4:][:binary.BigEndian.Uint32(packed)]
		packed = packed[4+len(block):]
		unpacked, err := snappy.Decode(out[n:], block)
		if err != nil {
			return nil, err
		}
		n += len(unpacked)
	}
	return out, nil
}

// xerialSize checks the framing of all blocks and returns what they unpack to.
func xerialSize(packed []byte, limit int) (int, error) {
	total := 0
	for len(packed) > 0 {
		if len(packed) < 4 {
			return 0, io.ErrUnexpectedEOF
		}
		size := binary.BigEndian.Uint32(packed)
		packed = packed[4:]
		if uint64(size) > uint64(len(packed)) {
			return 0, io.ErrUnexpectedEOF
		}
		n, err := snappy.DecodedLen(packed[:size])
		if err != nil {
			return 0, err
		}
		if total += n; total > limit {
			return 0, errTooLarge
		}
		packed = packed[size:]
	}
	return total, nil
}
