package broker

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

func TestPartitionOf_AgreesWithJavasClient(t *testing.T) {
	f, err := os.Open("testdata/murmur2-partitions.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for s := bufio.NewScanner(f); s.Scan(); rows++ {
		var row struct {
			Key        string
			KeyHex     string `json:"key_hex"`
			Partitions int
			Partition  int32
			Murmur2    int32
		}
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatalf("row %d: %v", rows+1, err)
		}
		key := []byte(row.Key)
		if row.KeyHex != "" {
			if key, err = hex.DecodeString(row.KeyHex); err != nil {
				t.Fatal(err)
			}
		}
		if h := int32(murmur2(key)); h != row.Murmur2 {
			t.Errorf("murmur2(%q) = %d, want %d", key, h, row.Murmur2)
		}
		if p := partitionOf(key, row.Partitions); p != row.Partition {
			t.Errorf("partitionOf(%q, %d) = %d, want %d", key, row.Partitions, p, row.Partition)
		}
	}
	if rows < 100 {
		t.Fatalf("only %d rows", rows)
	}
}
