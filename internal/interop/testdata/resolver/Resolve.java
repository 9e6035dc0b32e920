import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.avro.Resolver;
import org.apache.avro.Resolver.Action;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Resolve says what Avro Java makes of pairs of schemas. For each line of standard input, {"writer", "reader": texts of
 * schemas, "data": [hex]}, it prints a line:
 *
 *   refused      why the parser does not take one of the schemas; nothing else then
 *   canonical    the Parsing Canonical Forms of writer and reader
 *   compatible   what SchemaCompatibility says, or threw: why it threw
 *   plan         the errors in the plan of the decoder, which is made by other code
 *   data         for each datum {"out": hex in the reader's schema} or {"error"}
 */
final class Resolve {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Keeps the order of maps, so that bytes can be compared. */
  private static final GenericData ORDERED = new GenericData() {
    @Override
    public Object newMap(Object old, int size) {
      return new LinkedHashMap<Object, Object>();
    }
  };

  public static void main(String[] args) throws Exception {
    ORDERED.setFastReaderEnabled(false); // it makes maps of its own
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null;) {
      ObjectNode answer = JSON.createObjectNode();
      answer(JSON.readTree(line), answer);
      out.println(JSON.writeValueAsString(answer));
      out.flush();
    }
  }

  private static void answer(JsonNode pair, ObjectNode answer) {
    Schema writer;
    Schema reader;
    try {
      writer = new Schema.Parser().parse(pair.get("writer").asText());
      reader = new Schema.Parser().parse(pair.get("reader").asText());
    } catch (RuntimeException | StackOverflowError e) {
      answer.put("refused", e.toString());
      return;
    }
    answer.putArray("canonical").add(SchemaNormalization.toParsingForm(writer)).add(SchemaNormalization.toParsingForm(reader));
    try {
      answer.put("compatible", SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult()
          .getCompatibility() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
    } catch (RuntimeException | StackOverflowError e) {
      answer.put("threw", e.toString());
    }
    Set<String> errors = new TreeSet<>();
    try {
      errors(Resolver.resolve(Schema.applyAliases(writer, reader), reader, ORDERED), errors,
          Collections.newSetFromMap(new IdentityHashMap<>()));
    } catch (RuntimeException | StackOverflowError e) {
      errors.add(e.toString());
    }
    ArrayNode plan = answer.putArray("plan");
    errors.forEach(plan::add);
    ArrayNode data = answer.putArray("data");
    for (JsonNode hex : pair.get("data")) {
      ObjectNode datum = data.addObject();
      try {
        datum.put("out", HexFormat.of().formatHex(read(writer, reader, HexFormat.of().parseHex(hex.asText()))));
      } catch (Exception | StackOverflowError e) {
        datum.put("error", e.toString());
      }
    }
  }

  private static byte[] read(Schema writer, Schema reader, byte[] bytes) throws Exception {
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
    Object value = new GenericDatumReader<Object>(writer, reader, ORDERED).read(null, decoder);
    if (!decoder.isEnd()) {
      throw new IllegalStateException("bytes left over");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
    new GenericDatumWriter<Object>(reader, ORDERED).write(value, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  private static void errors(Action action, Set<String> errors, Set<Action> seen) {
    if (action == null || !seen.add(action)) {
      return;
    }
    if (action instanceof Resolver.ErrorAction) {
      errors.add(((Resolver.ErrorAction) action).error.toString());
    } else if (action instanceof Resolver.Container) {
      errors(((Resolver.Container) action).elementAction, errors, seen);
    } else if (action instanceof Resolver.RecordAdjust) {
      for (Action field : ((Resolver.RecordAdjust) action).fieldActions) {
        errors(field, errors, seen);
      }
    } else if (action instanceof Resolver.WriterUnion) {
      for (Action branch : ((Resolver.WriterUnion) action).actions) {
        errors(branch, errors, seen);
      }
    } else if (action instanceof Resolver.ReaderUnion) {
      errors(((Resolver.ReaderUnion) action).actualAction, errors, seen);
    } else if (action instanceof Resolver.EnumAdjust) {
      for (int to : ((Resolver.EnumAdjust) action).adjustments) {
        if (to < 0) {
          errors.add("ENUM_SYMBOL_UNRESOLVED");
        }
      }
    }
  }

  private Resolve() {
  }
}
