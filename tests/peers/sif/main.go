// Sif writes a Singularity image with sylabs/sif, the library that Singularity and Apptainer write theirs with.
//
//	sif FILE < OBJECTS
//
// reads a JSON list of objects, each {"type", "path", "name"} and for a partition {"fs", "use", "arch"}, all numbers
// as in that library (type without 0x4000). It writes FILE and prints its objects, as the library reads them back, as
// JSON lines: id, type, offset, size, name.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/sylabs/sif/v2/pkg/sif"
)

type object struct {
	Type int
	Path string
	Name string
	FS   int
	Use  int
	Arch string
}

func main() {
	log.SetFlags(0)
	var objects []object
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		log.Fatal(err)
	}
	var inputs []sif.DescriptorInput
	for _, o := range objects {
		file, err := os.Open(o.Path)
		if err != nil {
			log.Fatal(err)
		}
		defer file.Close()
		options := []sif.DescriptorInputOpt{sif.OptObjectName(o.Name)}
		if o.Type == 4 {
			options = append(options, sif.OptPartitionMetadata(sif.FSType(o.FS), sif.PartType(o.Use), o.Arch))
		}
		if o.Type == 8 {
			options = append(options, sif.OptCryptoMessageMetadata(sif.FormatPEM, sif.MessageRSAOAEP))
		}
		input, err := sif.NewDescriptorInput(sif.DataType(0x4000+o.Type), file, options...)
		if err != nil {
			log.Fatal(err)
		}
		inputs = append(inputs, input)
	}
	image, err := sif.CreateContainerAtPath(os.Args[1],
		sif.OptCreateDeterministic(), sif.OptCreateWithDescriptors(inputs...))
	if err != nil {
		log.Fatal(err)
	}
	defer image.UnloadContainer()
	out := json.NewEncoder(os.Stdout)
	image.WithDescriptors(func(d sif.Descriptor) bool {
		out.Encode(map[string]any{"id": d.ID(), "type": int(d.DataType()), "offset": d.Offset(), "size": d.Size(), "name": d.Name()})
		return false
	})
}
