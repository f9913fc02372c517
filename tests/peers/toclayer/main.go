// Toclayer writes a layer with a table of contents, by the libraries that the tools in the field are built on:
// eStargz and its zstd form by containerd/stargz-snapshotter (BuildKit, nerdctl), zstd:chunked by containers/storage
// (podman, buildah, skopeo).
//
//	toclayer [-chunk BYTES] [-least BYTES] estargz|stargz-zstd|zstd-chunked FILE < TAR
//
// writes FILE, and prints as a JSON object the annotations of its descriptor, and its diff ID under "diffID" if the
// layer's content is another than the archive's.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"os"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/containerd/stargz-snapshotter/estargz/zstdchunked"
	"github.com/containers/storage/pkg/chunked/compressor"
	"github.com/klauspost/compress/zstd"
)

func main() {
	log.SetFlags(0)
	chunk := flag.Int("chunk", 0, "most bytes of a chunk")
	least := flag.Int("least", 0, "least bytes of a gzip member")
	flag.Parse()
	archive, err := os.CreateTemp("", "toclayer")
	check(err)
	defer os.Remove(archive.Name())
	size, err := io.Copy(archive, os.Stdin)
	check(err)
	target, err := os.Create(flag.Arg(1))
	check(err)
	annotations := map[string]string{}
	if flag.Arg(0) == "zstd-chunked" {
		_, err = archive.Seek(0, io.SeekStart)
		check(err)
		writer, err := compressor.ZstdCompressor(target, annotations, nil)
		check(err)
		_, err = io.Copy(writer, archive)
		check(err)
		check(writer.Close())
	} else {
		options := []estargz.Option{estargz.WithChunkSize(*chunk), estargz.WithMinChunkSize(*least)}
		if flag.Arg(0) == "stargz-zstd" {
			options = append(options, estargz.WithCompression(&both{
				Compressor: zstdchunked.Compressor{CompressionLevel: zstd.SpeedDefault, Metadata: annotations},
			}))
		}
		blob, err := estargz.Build(io.NewSectionReader(archive, 0, size), options...)
		check(err)
		_, err = io.Copy(target, blob)
		check(err)
		check(blob.Close())
		annotations[estargz.TOCJSONDigestAnnotation] = blob.TOCDigest().String()
		annotations["diffID"] = blob.DiffID().String()
	}
	check(target.Close())
	check(json.NewEncoder(os.Stdout).Encode(annotations))
}

type both struct {
	zstdchunked.Compressor
	zstdchunked.Decompressor
}

func (b *both) Reader(r io.Reader) (io.ReadCloser, error) { return b.Decompressor.Reader(r) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
