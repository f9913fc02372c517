// Refregistry is an OCI registry with the referrers API, held in memory, for tests.
//
// It listens on 127.0.0.1, prints "listening 127.0.0.1:PORT" once it accepts connections, and
// ends when its standard input closes: whoever started it cannot leave it behind by dying.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 picks a free one")
	unfiltered := flag.Bool("unfiltered", false, "ignore ?artifactType=, as the specification allows")
	flag.Parse()

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", listener.Addr())
	options := &ociserver.Options{DisableReferrersFiltering: *unfiltered}
	go func() { log.Fatal(http.Serve(listener, ociserver.New(ocimem.New(), options))) }()
	io.Copy(io.Discard, os.Stdin)
}
