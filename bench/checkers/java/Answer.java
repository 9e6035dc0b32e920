import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.Incompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.SchemaCompatibility.SchemaPairCompatibility;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.util.RandomData;

/**
 * Answer says whether Avro Java's SchemaCompatibility takes one schema to read another: "answer" as its argument, a
 * pair in JSON on each line of standard input, an answer on each of standard output. "decode" also has the decoder read
 * 100 random data of the writer's schema, the same every time; "version" prints the version of Avro.
 */
final class Answer {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int DATA = 100;

  public static void main(String[] args) throws Exception {
    if (args[0].equals("version")) {
      System.out.println(Schema.class.getPackage().getImplementationVersion());
      return;
    }
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null;) {
      out.println(JSON.writeValueAsString(answer(JSON.readTree(line), args[0].equals("decode"))));
    }
    out.flush();
  }

  private static ObjectNode answer(JsonNode pair, boolean decode) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    Schema reader;
    Schema writer;
    try {
      reader = new Schema.Parser().parse(pair.get("reader").asText());
      writer = new Schema.Parser().parse(pair.get("writer").asText());
    } catch (RuntimeException e) {
      answer.put("verdict", "refused").putArray("said").add(e.toString());
      return answer;
    }
    ArrayNode said = answer.putArray("said");
    try {
      SchemaPairCompatibility compatibility = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
      answer.put("verdict", compatibility.getType() == SchemaCompatibilityType.COMPATIBLE ? "works" : "breaks");
      for (Incompatibility i : compatibility.getResult().getIncompatibilities()) {
        said.add(i.getType() + " at " + i.getLocation() + ": " + i.getMessage());
      }
    } catch (RuntimeException e) {
      answer.put("verdict", "threw");
      said.add(e.toString());
    }
    if (decode) {
      decode(reader, writer, answer.putObject("decoded"));
    }
    return answer;
  }

  private static void decode(Schema reader, Schema writer, ObjectNode decoded) throws Exception {
    int read = 0;
    for (Object datum : new RandomData(writer, DATA, 1L)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
      new GenericDatumWriter<Object>(writer).write(datum, encoder);
      BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null);
      try {
        new GenericDatumReader<Object>(writer, reader).read(null, decoder);
        read++;
      } catch (RuntimeException e) {
        if (!decoded.has("error")) {
          decoded.put("error", e.toString());
        }
      }
    }
    decoded.put("read", read).put("of", DATA);
  }

  private Answer() {
  }
}
